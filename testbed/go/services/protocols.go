package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

// Every server says the name that it is given, so that a client can tell who answered:
//
//   - requests in HTTP/1.1 and HTTP/2, without TLS, at any path; and gRPC, whose health service says
//     that it is well and the name in the header `served-by`;
//   - bytes: the name, once something has arrived. A proxy that took it for HTTP would refuse it;
//   - requests in TLS, with a certificate from files.
//
// Each of them writes a line for what it answers.

const health = "/grpc.health.v1.Health/Check"

func protocols(arguments []string) error {
	flags := flag.NewFlagSet("protocols", flag.ContinueOnError)
	name := flags.String("name", "", "what to say")
	requests := flags.String("requests", ":8080", "where to take requests")
	bytes := flags.String("bytes", ":9000", "where to take bytes")
	secure := flags.String("tls", ":8443", "where to take requests in TLS")
	folder := flags.String("certificate", "/certificate", "the folder with tls.crt and tls.key")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *bytes)
	if err != nil {
		return err
	}
	go sayByBytes(listener, *name)

	speaks := new(http.Protocols)
	speaks.SetHTTP1(true)
	speaks.SetHTTP2(true)
	speaks.SetUnencryptedHTTP2(true)
	server := func(address string) *http.Server {
		return &http.Server{
			Addr: address, Handler: sayByRequest(*name), Protocols: speaks, ReadHeaderTimeout: 10 * time.Second,
		}
	}
	inTLS := server(*secure)
	go func() {
		log.Fatal(inTLS.ListenAndServeTLS(*folder+"/tls.crt", *folder+"/tls.key"))
	}()
	plain := server(*requests)
	log.Printf("%s listens on %s, %s and %s", *name, *requests, *bytes, *secure)
	return serve(plain, plain.ListenAndServe)
}

func sayByRequest(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Printf("%s %s %s%s in %s", r.Proto, r.Method, r.Host, r.URL.RequestURI(), version(r.TLS))
		w.Header().Set("served-by", name)
		if r.Header.Get("Content-Type") == "application/grpc" {
			call(w, r)
			return
		}
		fmt.Fprintln(w, name)
	})
}

func version(state *tls.ConnectionState) string {
	if state == nil {
		return "clear"
	}
	return tls.VersionName(state.Version) + " for " + state.ServerName
}

// call answers a unary call of gRPC, as its protocol over HTTP/2 says: a message is a zero, its length in
// four bytes, and itself; the status is a trailer.
func call(w http.ResponseWriter, r *http.Request) {
	const ok, internal, unimplemented = "0", "13", "12"
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "grpc-status")
	status := ok
	_, err := io.ReadFull(r.Body, make([]byte, 5))
	switch {
	case r.URL.Path != health:
		status = unimplemented
	case err != nil:
		status = internal
	default:
		// HealthCheckResponse{status: SERVING}
		_, _ = w.Write([]byte{0, 0, 0, 0, 2, 8, 1})
		// Without the length of the whole, behind which nothing is expected.
		_ = http.NewResponseController(w).Flush()
	}
	w.Header().Set("grpc-status", status)
}

func sayByBytes(listener net.Listener, name string) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Print(err)
			os.Exit(1)
		}
		go func() {
			defer connection.Close()
			_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
			if _, err := connection.Read(make([]byte, 1024)); err != nil {
				return
			}
			log.Print("bytes")
			fmt.Fprintln(connection, name)
		}()
	}
}
