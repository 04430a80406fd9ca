// httpbin answers as mccutchen/go-httpbin does, for the paths that the tests ask
// for: same port, same flags and variables, same shapes of answers.
//
// One thing is its own: where FEDMESH_CLUSTER is set, each answer says so in the
// header x-fedmesh-cluster, so that a client can tell who answered.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxDuration bounds /delay, and so how long a shutdown can take.
const maxDuration = 10 * time.Second

const html = `<!DOCTYPE html>
<html>
  <head></head>
  <body>
    <h1>Herman Melville - Moby-Dick</h1>
    <div>
      <p>
        Call me Ishmael. Some years ago—never mind how long precisely—having
        little or no money in my purse, and nothing particular to interest me on
        shore, I thought I would sail about a little and see the watery part of
        the world.
      </p>
    </div>
  </body>
</html>
`

func main() {
	host := flag.String("host", cmp.Or(os.Getenv("HOST"), "0.0.0.0"), "address to listen on")
	port := flag.String("port", cmp.Or(os.Getenv("PORT"), "8080"), "port to listen on")
	flag.Parse()
	if err := serve(net.JoinHostPort(*host, *port)); err != nil {
		log.Fatal(err)
	}
}

// serve ends without an error on SIGTERM and SIGINT, after the requests that are
// being answered.
func serve(address string) error {
	server := &http.Server{
		Addr:              address,
		Handler:           logged(named(os.Getenv("FEDMESH_CLUSTER"), routes())),
		ReadHeaderTimeout: maxDuration,
	}
	told, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	failed := make(chan error, 1)
	go func() {
		log.Printf("listening on %s", address)
		failed <- server.ListenAndServe()
	}()
	select {
	case err := <-failed:
		return err
	case <-told.Done():
	}
	log.Print("shutting down")
	patience, cancel := context.WithTimeout(context.Background(), maxDuration+time.Second)
	defer cancel()
	return server.Shutdown(patience)
}

// logged writes a line for each request, which tells who got copies of requests.
func logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Printf("%s %s", r.Method, r.URL.RequestURI())
		next.ServeHTTP(w, r)
	})
}

func named(cluster string, next http.Handler) http.Handler {
	if cluster == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Fedmesh-Cluster", cluster)
		next.ServeHTTP(w, r)
	})
}

func routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "httpbin: /anything/… /delay/{seconds} /env /get /headers /hostname /html /status/{code} /unstable?failure_rate={rate}")
	})
	mux.HandleFunc("GET /html", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(html))
	})
	mux.HandleFunc("/status/{code}", status)
	mux.HandleFunc("/delay/{duration}", delay)
	mux.HandleFunc("GET /get", func(w http.ResponseWriter, r *http.Request) { write(w, describe(r)) })
	mux.HandleFunc("/anything/{rest...}", func(w http.ResponseWriter, r *http.Request) { write(w, describe(r)) })
	mux.HandleFunc("GET /unstable", unstable)
	mux.HandleFunc("GET /headers", func(w http.ResponseWriter, r *http.Request) {
		write(w, map[string]any{"headers": headers(r)})
	})
	mux.HandleFunc("GET /env", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"env": environment()})
	})
	mux.HandleFunc("GET /hostname", func(w http.ResponseWriter, _ *http.Request) {
		name, err := os.Hostname()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		write(w, map[string]string{"hostname": name})
	})
	return mux
}

func status(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.PathValue("code"))
	// Those below 200 are not the answer but come before one.
	if err != nil || code < 200 || code > 599 {
		http.Error(w, "a status is a number from 200 to 599", http.StatusBadRequest)
		return
	}
	w.WriteHeader(code)
}

func delay(w http.ResponseWriter, r *http.Request) {
	duration, err := parseDuration(r.PathValue("duration"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case <-time.After(min(duration, maxDuration)):
		write(w, describe(r))
	case <-r.Context().Done():
	}
}

// unstable fails at the rate that is asked for, from 0 to 1, or half of the time.
func unstable(w http.ResponseWriter, r *http.Request) {
	rate, err := strconv.ParseFloat(cmp.Or(r.URL.Query().Get("failure_rate"), "0.5"), 64)
	if err != nil || rate < 0 || rate > 1 {
		http.Error(w, "a rate is a number from 0 to 1", http.StatusBadRequest)
		return
	}
	if rand.Float64() < rate {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// parseDuration takes seconds, as in 1.5, and what Go takes, as in 500ms.
func parseDuration(text string) (time.Duration, error) {
	duration, err := time.ParseDuration(text)
	if seconds, notANumber := strconv.ParseFloat(text, 64); notANumber == nil {
		// Bounded first: a float beyond the range of a Duration becomes anything.
		duration, err = time.Duration(min(seconds, maxDuration.Seconds())*float64(time.Second)), nil
		if math.IsNaN(seconds) {
			err = errors.New("not a number")
		}
	}
	if err == nil && duration < 0 {
		err = errors.New("a delay can't be negative")
	}
	return duration, err
}

// describe is the answer of /get and /delay.
func describe(r *http.Request) map[string]any {
	origin, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		origin = r.RemoteAddr
	}
	scheme := cmp.Or(r.Header.Get("X-Forwarded-Proto"), "http")
	return map[string]any{
		"args":    r.URL.Query(),
		"headers": headers(r),
		"method":  r.Method,
		"origin":  cmp.Or(r.Header.Get("X-Forwarded-For"), origin),
		"url":     scheme + "://" + r.Host + r.URL.RequestURI(),
	}
}

// headers puts Host back, which net/http takes out.
func headers(r *http.Request) http.Header {
	all := r.Header.Clone()
	all.Set("Host", r.Host)
	return all
}

// environment is what may be shown of it: what is meant for it.
func environment() map[string]string {
	shown := map[string]string{}
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "HTTPBIN_ENV_") {
			shown[name] = value
		}
	}
	return shown
}

func write(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	// An error here means that the client has gone.
	_ = encoder.Encode(value)
}
