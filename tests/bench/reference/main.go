// Reference is the yardstick of `make bench`: an admission webhook for two rules, written by hand
// the way most Go webhooks are, on net/http and the types of k8s.io/api.
package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"net/http"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const maxBody = 16 << 20

func main() {
	address := flag.String("address", "127.0.0.1:8443", "where to listen")
	certificate := flag.String("cert", "", "PEM file: certificate and chain")
	key := flag.String("key", "", "PEM file: its private key")
	flag.Parse()

	mux := http.NewServeMux()
	mux.HandleFunc("POST /validate", validate)
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "ok")
	})
	server := &http.Server{
		Addr:              *address,
		Handler:           mux,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       120 * time.Second,
	}
	log.Fatal(server.ListenAndServeTLS(*certificate, *key))
}

func validate(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := review(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(answer); err != nil {
		log.Print(err)
	}
}

// review answers one AdmissionReview; an error means that it was none.
func review(body []byte) ([]byte, error) {
	var asked admissionv1.AdmissionReview
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	if asked.Request == nil {
		return nil, errors.New("an AdmissionReview without a request")
	}
	violations, err := judge(asked.Request)
	if err != nil {
		return nil, err
	}
	response := &admissionv1.AdmissionResponse{UID: asked.Request.UID, Allowed: true}
	if len(violations) > 0 {
		response.Allowed = false
		response.Result = &metav1.Status{
			Message: message(violations),
			Reason:  metav1.StatusReasonForbidden,
			Code:    http.StatusForbidden,
		}
	}
	return json.Marshal(admissionv1.AdmissionReview{TypeMeta: asked.TypeMeta, Response: response})
}
