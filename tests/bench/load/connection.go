package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// patience is how long after the end an answer may still come.
const patience = 30 * time.Second

// expectation is what every answer must have.
type expectation struct {
	status  int
	uid     string
	allowed string
}

// connection is one client. It writes a request as prepared bytes: net/http's own client costs more
// than the servers that are measured.
type connection struct {
	stream  *tls.Conn
	reader  *bufio.Reader
	request []byte
	uid     []byte   // the part of request that changes
	marks   [][]byte // what an answer must contain
	status  int
	body    bytes.Buffer

	times    []time.Duration
	answered int
	err      error // why it ended early
}

// prepare makes a connection that is not open yet.
func prepare(target *url.URL, body []byte, want expectation, number int) (*connection, error) {
	c := &connection{status: want.status}
	c.request = fmt.Appendf(nil,
		"POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		target.RequestURI(), target.Host, len(body), body)
	if want.uid != "" {
		at := bytes.Index(c.request, []byte(want.uid))
		if at < 0 || len(want.uid) != len("01234567-0123-0123-0123-0123456789ab") {
			return nil, fmt.Errorf("the body has no uid %q", want.uid)
		}
		c.uid = c.request[at : at+len(want.uid)]
		copy(c.uid, fmt.Sprintf("%08x", number))
		// every server of ours writes JSON without blanks, and text inside has its quotes escaped
		c.marks = append(c.marks, c.uid)
	}
	if want.allowed != "" {
		c.marks = append(c.marks, []byte(`"allowed":`+want.allowed))
	}
	return c, nil
}

// ask connects and sends requests until end, and keeps the times of those that were sent and answered
// between begin and end.
//
// The first request follows the handshake at once: servers that give each connection a thread would
// else be blocked by those that have nothing to say yet.
func (c *connection) ask(host string, config *tls.Config, begin, end time.Time) {
	dialer := &net.Dialer{Deadline: end.Add(patience)}
	if c.stream, c.err = tls.DialWithDialer(dialer, "tcp", host, config); c.err != nil {
		return
	}
	defer c.stream.Close()
	c.stream.SetDeadline(end.Add(patience))
	c.reader = bufio.NewReaderSize(c.stream, 1<<16)
	for sent := time.Now(); sent.Before(end); {
		if c.err = c.exchange(); c.err != nil {
			return
		}
		answered := time.Now()
		c.answered++
		if !sent.Before(begin) && !answered.After(end) {
			c.times = append(c.times, answered.Sub(sent))
		}
		sent = answered
	}
}

// exchange sends one request, and checks its answer.
func (c *connection) exchange() error {
	if c.uid != nil {
		c.count()
	}
	if _, err := c.stream.Write(c.request); err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	c.body.Reset()
	if _, err := io.Copy(&c.body, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != c.status {
		return fmt.Errorf("status %d: %.500s", answer.StatusCode, c.body.Bytes())
	}
	for _, mark := range c.marks {
		if !bytes.Contains(c.body.Bytes(), mark) {
			return fmt.Errorf("no %s in %.500s", mark, c.body.Bytes())
		}
	}
	return nil
}

// count makes the last digits of the uid those of the next number.
func (c *connection) count() {
	number := uint32(c.answered)
	digits := []byte{byte(number >> 24), byte(number >> 16), byte(number >> 8), byte(number)}
	hex.Encode(c.uid[len(c.uid)-8:], digits)
}
