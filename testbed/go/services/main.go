// Command services stands in for the services that the tests call:
//
//	services bookinfo PROGRAM    a program of the sample bookinfo, such as reviews-v2
//	services protocols [FLAGS]   one server for each protocol that a service can speak
//
// Its answers are what the tests look at, and no more; see each file.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: services bookinfo PROGRAM | services protocols [FLAGS]")
	}
	var err error
	switch os.Args[1] {
	case "bookinfo":
		if len(os.Args) != 3 {
			log.Fatal("usage: services bookinfo PROGRAM")
		}
		err = bookinfo(os.Args[2])
	case "protocols":
		err = protocols(os.Args[2:])
	default:
		err = errors.New("no such command: " + os.Args[1])
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Fatal(err)
	}
}

// serve answers until it is told to end, and then lets what is under way be answered.
func serve(server *http.Server, listen func() error) error {
	told, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- listen() }()
	select {
	case err := <-failed:
		return err
	case <-told.Done():
	}
	patience, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return server.Shutdown(patience)
}
