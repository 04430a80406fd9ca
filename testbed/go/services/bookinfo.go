package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"time"
)

// The programs of bookinfo call each other and answer as Istio's do, as far as the tests look: the page
// shows what details and reviews say, reviews say their version and, from version 2 on, the stars that
// ratings give, in black or red. There is no page to look at, and nobody logs in.

const port = "9080"

type review struct {
	Reviewer string `json:"reviewer"`
	Rating   *stars `json:"rating,omitempty"`
}

type stars struct {
	Stars int    `json:"stars"`
	Color string `json:"color"`
}

func bookinfo(program string) error {
	service, version, _ := strings.Cut(program, "-")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "healthy") })
	switch service {
	case "productpage":
		mux.HandleFunc("GET /productpage", func(w http.ResponseWriter, r *http.Request) {
			for _, part := range []string{"details", "reviews"} {
				text, err := ask(r, part)
				if err != nil {
					text = "error: " + err.Error()
				}
				fmt.Fprintf(w, "%s: %s\n", part, text)
			}
		})
	case "details":
		mux.HandleFunc("GET /details/{id}", func(w http.ResponseWriter, _ *http.Request) {
			write(w, map[string]any{"id": 0, "author": "William Shakespeare", "pages": 200})
		})
	case "ratings":
		mux.HandleFunc("GET /ratings/{id}", func(w http.ResponseWriter, _ *http.Request) {
			write(w, map[string]any{"id": 0, "ratings": map[string]int{"Reviewer1": 5, "Reviewer2": 4}})
		})
	case "reviews":
		mux.HandleFunc("GET /reviews/{id}", func(w http.ResponseWriter, r *http.Request) {
			write(w, map[string]any{"id": "0", "podname": program, "reviews": reviews(r, version)})
		})
	default:
		return fmt.Errorf("bookinfo has no %s", program)
	}
	log.Printf("%s listens on %s", program, port)
	server := &http.Server{Addr: ":" + port, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return serve(server, server.ListenAndServe)
}

func reviews(r *http.Request, version string) []review {
	all := []review{{Reviewer: "Reviewer1"}, {Reviewer: "Reviewer2"}}
	color, hasStars := map[string]string{"v2": "black", "v3": "red"}[version]
	if !hasStars {
		return all
	}
	var given struct {
		Ratings map[string]int `json:"ratings"`
	}
	text, err := ask(r, "ratings")
	if err != nil || json.Unmarshal([]byte(text), &given) != nil {
		log.Printf("no ratings: %s %v", text, err)
		return all
	}
	for index, one := range all {
		all[index].Rating = &stars{given.Ratings[one.Reviewer], color}
	}
	return all
}

// ask calls another service by the name that it has beside this one.
func ask(r *http.Request, service string) (string, error) {
	url := fmt.Sprintf("http://%s:%s/%s/0", service, port, service)
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", service, answer.Status)
	}
	return strings.TrimSpace(string(text)), err
}

func write(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	// An error here means that the client has gone.
	_ = json.NewEncoder(w).Encode(value)
}
