// load sends GET requests at a constant rate and prints one JSON object on what
// came back, and when: for measuring how a failover looks to a client.
//
//	load -url http://127.0.0.1:8080/html -host httpbin.example -rps 200 -c 10 -d 12s -t 5s
//
// It is an open loop: requests are due at fixed times, whatever became of those
// before. One that finds all connections busy starts late; its latency counts
// from when it was due, and kept_up says whether that happened.
//
// A request fails when its answer isn't 2xx or doesn't come whole and in time.
// Go sends one again, by itself, when a kept connection turns out to be closed
// before any answer; resent counts those.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// clusterHeader is where an answer says which cluster it comes from.
const clusterHeader = "x-fedmesh-cluster"

type options struct {
	url         string
	host        string
	rps         float64
	connections int
	duration    time.Duration
	timeout     time.Duration
}

// answer is what became of one request. Times are since the start.
type answer struct {
	due     time.Duration
	late    time.Duration
	latency time.Duration
	// status is a number as in 200, or why there is none.
	status  string
	ok      bool
	cluster string
}

func main() {
	var o options
	flag.StringVar(&o.url, "url", "", "what to GET")
	flag.StringVar(&o.host, "host", "", "the Host header, when it isn't the URL's")
	flag.Float64Var(&o.rps, "rps", 200, "requests a second")
	flag.IntVar(&o.connections, "c", 10, "connections, so the most requests at a time")
	flag.DurationVar(&o.duration, "d", 12*time.Second, "for how long")
	flag.DurationVar(&o.timeout, "t", 5*time.Second, "how long to wait for an answer")
	flag.Parse()
	log.SetFlags(0)
	if err := o.check(); err != nil {
		log.Printf("load: %v", err)
		os.Exit(2)
	}
	// Told to end, it still reports.
	told, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	answers, resent := run(told, o)
	encoder := json.NewEncoder(os.Stdout)
	if err := encoder.Encode(summarize(answers, resent)); err != nil {
		log.Fatalf("load: %v", err)
	}
}

func (o options) check() error {
	switch {
	case o.url == "":
		return errors.New("-url is missing")
	case o.rps <= 0 || o.connections <= 0 || o.duration <= 0 || o.timeout <= 0:
		return errors.New("-rps, -c, -d and -t must be more than 0")
	}
	_, err := http.NewRequest(http.MethodGet, o.url, nil)
	return err
}

// run gives the answers in the order in which their requests were due.
func run(told context.Context, o options) ([]answer, int) {
	client := &http.Client{
		Timeout: o.timeout,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: o.timeout}).DialContext,
			MaxIdleConnsPerHost: o.connections,
			MaxConnsPerHost:     o.connections,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	count := max(1, int(o.rps*o.duration.Seconds()))
	answers := make([]answer, count)
	var resent atomic.Int64
	// Room for all of them: putting one in never waits for the workers.
	queue := make(chan int, count)
	start := time.Now()
	var workers sync.WaitGroup
	for range o.connections {
		workers.Go(func() {
			for number := range queue {
				due := dueAt(number, o.rps)
				late := time.Since(start) - due
				one, again := get(client, o)
				one.due, one.late = due, late
				one.latency = time.Since(start) - due
				answers[number] = one
				if again {
					resent.Add(1)
				}
			}
		})
	}
	sent := 0
	for ; sent < count; sent++ {
		select {
		case <-time.After(time.Until(start.Add(dueAt(sent, o.rps)))):
		case <-told.Done():
		}
		if told.Err() != nil {
			break
		}
		queue <- sent
	}
	close(queue)
	workers.Wait()
	return answers[:sent], int(resent.Load())
}

func dueAt(number int, rps float64) time.Duration {
	return time.Duration(float64(number) / rps * float64(time.Second))
}

// get also says whether the request had to be sent again.
func get(client *http.Client, o options) (answer, bool) {
	written := 0
	trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { written++ }}
	request, err := http.NewRequestWithContext(
		httptrace.WithClientTrace(context.Background(), trace), http.MethodGet, o.url, nil)
	if err != nil {
		return answer{status: err.Error()}, false
	}
	request.Host = o.host
	response, err := client.Do(request)
	if err != nil {
		return answer{status: reason(err)}, written > 1
	}
	defer response.Body.Close()
	one := answer{
		status:  strconv.Itoa(response.StatusCode),
		ok:      response.StatusCode/100 == 2,
		cluster: response.Header.Get(clusterHeader),
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		one.status, one.ok = fmt.Sprintf("%s, then %s", one.status, reason(err)), false
	}
	return one, written > 1
}

// reason names kinds of errors, without addresses, so that they can be counted.
func reason(err error) string {
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable"
	}
	return "error"
}
