// control-plane is etcd, kube-apiserver and the namespace controller in one
// binary, told apart by the name it is called by. One binary is a third of the
// size of three, because all link the same machinery.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "namespace-controller":
		if err := runNamespaceControllers(os.Args[1:]); err != nil {
			fmt.Fprintf(os.Stderr, "namespace-controller: %v\n", err)
			os.Exit(1)
		}
	default:
		fmt.Fprintf(os.Stderr, "control-plane: called as %q, expected etcd, kube-apiserver or namespace-controller\n", name)
		os.Exit(2)
	}
}
