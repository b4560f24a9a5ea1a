{{- define "podworthy.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* At most 40 characters, so that with the longest suffix it is a name of 63. */}}
{{- define "podworthy.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "podworthy.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "podworthy.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Of the pods of one component: (list $ "server"). What a selector selects never changes. */}}
{{- define "podworthy.selectorLabels" -}}
app.kubernetes.io/name: {{ include "podworthy.name" (first .) }}
app.kubernetes.io/instance: {{ (first .).Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end }}

{{- define "podworthy.labels" -}}
{{ include "podworthy.selectorLabels" . }}
app.kubernetes.io/part-of: podworthy
app.kubernetes.io/version: {{ (first .).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (first .).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (first .).Chart.Name (first .).Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "podworthy.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{ .Values.image.repository }}:{{ $tag }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "podworthy.secret" -}}
{{- default (printf "%s-tls" (include "podworthy.fullname" .)) .Values.certificates.secretName }}
{{- end }}

{{- define "podworthy.canaryNamespace" -}}
{{- default (printf "%s-canary" (include "podworthy.fullname" .)) .Values.canary.namespace }}
{{- end }}

{{- define "podworthy.profilesConfigMap" -}}
{{- default (printf "%s-profiles" (include "podworthy.fullname" .)) .Values.documents.profilesConfigMap }}
{{- end }}

{{- define "podworthy.exemptionsConfigMap" -}}
{{- default (printf "%s-exemptions" (include "podworthy.fullname" .)) .Values.documents.exemptionsConfigMap }}
{{- end }}

{{/* What Pod Security restricted wants of a container, and nothing written. */}}
{{- define "podworthy.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* What all pods have in common. */}}
{{- define "podworthy.podSpec" -}}
enableServiceLinks: false
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where a pod may run, of `.Values.server` or `.Values.controller`; begins with a line's end. */}}
{{- define "podworthy.placement" -}}
{{- $fields := dict }}
{{- range $name := list "priorityClassName" "nodeSelector" "tolerations" "affinity" }}
{{- with get $ $name }}{{ $_ := set $fields $name . }}{{ end }}
{{- end }}
{{- with $fields }}{{ toYaml . | nindent 6 }}{{ end }}
{{- end }}

{{/* What a NetworkPolicy lets through to the API server. */}}
{{- define "podworthy.toApiServer" -}}
# the API server, which the environment names by its address: no DNS
- ports:
    {{- range .Values.networkPolicy.apiServerPorts }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- with .Values.networkPolicy.apiServerCIDRs }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  {{- end }}
{{- end }}

{{/* The names of all registered profiles, as JSON. */}}
{{- define "podworthy.profileNames" -}}
{{- $names := list -}}
{{- range .Values.profiles }}{{ $names = append $names .name }}{{ end -}}
{{- $names | toJson }}
{{- end }}

{{/* What no schema can say; rendered by the webhooks, so that nothing is installed without it. */}}
{{- define "podworthy.check" -}}
{{- $names := include "podworthy.profileNames" . | fromJsonArray -}}
{{- if ne (len $names) (len (uniq $names)) -}}
{{- fail (printf "profiles: a name is there twice: %s" (join ", " $names)) -}}
{{- end -}}
{{- if not (has .Values.defaultProfile $names) -}}
{{- fail (printf "defaultProfile: %q is none of profiles: %s" .Values.defaultProfile (join ", " $names)) -}}
{{- end -}}
{{- if and .Values.canary.enabled (not (has .Values.canary.profile $names)) -}}
{{- fail (printf "canary.profile: %q is none of profiles (%s): name one that denies, or set canary.enabled=false" .Values.canary.profile (join ", " $names)) -}}
{{- end -}}
{{- $unasked := concat (list "kube-system" "kube-node-lease" .Release.Namespace) .Values.excludedNamespaces -}}
{{- if and .Values.canary.enabled (has (include "podworthy.canaryNamespace" .) $unasked) -}}
{{- fail (printf "canary.namespace: podworthy is never asked about %q: name one for the canary alone" (include "podworthy.canaryNamespace" .)) -}}
{{- end -}}
{{- $known := list "advise" "baseline" "strict" -}}
{{- range .Values.documents.profiles }}{{ $known = append $known .metadata.name }}{{ end -}}
{{- if not .Values.documents.profilesConfigMap -}}
{{- range $names -}}
{{- if not (has . $known) -}}
{{- fail (printf "profiles: nothing defines %q: neither podworthy nor documents.profiles (%s)" . (join ", " $known)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $kind := list "profiles" "exemptions" -}}
{{- $written := list -}}
{{- range get $.Values.documents $kind }}{{ $written = append $written .metadata.name }}{{ end -}}
{{- if ne (len $written) (len (uniq $written)) -}}
{{- fail (printf "documents.%s: a name is there twice: %s" $kind (join ", " $written)) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.documents.profiles .Values.documents.profilesConfigMap -}}
{{- fail "documents: profiles and profilesConfigMap exclude each other" -}}
{{- end -}}
{{- if and .Values.documents.exemptions .Values.documents.exemptionsConfigMap -}}
{{- fail "documents: exemptions and exemptionsConfigMap exclude each other" -}}
{{- end -}}
{{- end }}

{{/* Something if history goes to PostgreSQL. */}}
{{- define "podworthy.database" -}}
{{- with .Values.audit }}{{ if and .intervalSeconds .history.enabled .history.databaseSecret }}yes{{ end }}{{ end -}}
{{- end }}

{{/* The claim of history's volume; nothing if it has none. */}}
{{- define "podworthy.historyClaim" -}}
{{- with .Values.audit -}}
{{- if and .intervalSeconds .history.enabled (not .history.databaseSecret) -}}
{{- .history.existingClaim | default (printf "%s-history" (include "podworthy.fullname" $)) -}}
{{- end -}}
{{- end -}}
{{- end }}
