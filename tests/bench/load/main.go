// Load asks a server the same again and again, over TLS connections that stay open, and prints what
// it measured as JSON.
//
// The loop is closed: a connection sends its next request when it has read and checked the answer
// to the last. A wrong answer ends it.
package main

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"
)

// report is what is printed; times in milliseconds.
type report struct {
	Requests int     `json:"requests"`        // answered within the measured time
	Total    int     `json:"total"`           // the same and those of the warm-up
	Failed   int     `json:"failed"`          // connections that ended early
	Error    string  `json:"error,omitempty"` // why the first of them did
	Seconds  float64 `json:"seconds"`
	P50      float64 `json:"p50"`
	P90      float64 `json:"p90"`
	P99      float64 `json:"p99"`
	Max      float64 `json:"max"`
}

func main() {
	log.SetFlags(0)
	target := flag.String("url", "", "where to POST to")
	authority := flag.String("ca", "", "PEM file: whom to trust")
	certificate := flag.String("cert", "", "PEM file: a client's certificate, if one is wanted")
	key := flag.String("key", "", "PEM file: its private key")
	file := flag.String("body", "", "file with what to send")
	connections := flag.Int("connections", 1, "how many at a time")
	warmUp := flag.Duration("warm-up", 0, "how long to ask before measuring")
	duration := flag.Duration("duration", time.Second, "how long to measure")
	var want expectation
	flag.IntVar(&want.status, "status", 200, "the HTTP status of every answer")
	flag.StringVar(&want.uid, "uid", "", "in the body: each request gets one of its own instead, "+
		"and its answer must have that; empty: the body is sent as it is")
	flag.StringVar(&want.allowed, "allowed", "", "true or false: the verdict of every answer")
	flag.Parse()

	address, err := url.Parse(*target)
	if err != nil {
		log.Fatal(err)
	}
	body, err := os.ReadFile(*file)
	if err != nil {
		log.Fatal(err)
	}
	config, err := configure(*authority, *certificate, *key)
	if err != nil {
		log.Fatal(err)
	}
	workers := make([]*connection, *connections)
	for i := range workers {
		if workers[i], err = prepare(address, body, want, i); err != nil {
			log.Fatal(err)
		}
	}
	begin := time.Now().Add(*warmUp)
	result := run(workers, func(c *connection) {
		c.ask(address.Host, config, begin, begin.Add(*duration))
	})
	result.Seconds = duration.Seconds()
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		log.Fatal(err)
	}
}

func configure(authority, certificate, key string) (*tls.Config, error) {
	pem, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), NextProtos: []string{"http/1.1"}}
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no PEM certificate", authority)
	}
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// run lets all connections ask at the same time, and sums up what they saw.
func run(workers []*connection, ask func(*connection)) report {
	var all sync.WaitGroup
	for _, worker := range workers {
		all.Go(func() { ask(worker) })
	}
	all.Wait()

	var result report
	var times []time.Duration
	for _, worker := range workers {
		times = append(times, worker.times...)
		result.Total += worker.answered
		if worker.err != nil {
			result.Failed++
			result.Error = cmp.Or(result.Error, worker.err.Error())
		}
	}
	slices.Sort(times)
	result.Requests = len(times)
	result.P50, result.P90 = quantile(times, 0.5), quantile(times, 0.9)
	result.P99, result.Max = quantile(times, 0.99), quantile(times, 1)
	return result
}

// quantile of sorted times, by nearest rank, in milliseconds; 0 if there are none.
func quantile(times []time.Duration, share float64) float64 {
	if len(times) == 0 {
		return 0
	}
	rank := int(share * float64(len(times)))
	return float64(times[min(rank, len(times)-1)]) / float64(time.Millisecond)
}
