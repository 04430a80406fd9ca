// istioctl, as released: the oracle for what Istio accepts.
package main

import (
	"os"

	"istio.io/istio/istioctl/cmd"
	"istio.io/istio/pkg/log"
)

func main() {
	log.EnableKlogWithCobra()
	root := cmd.GetRootCmd(os.Args[1:])
	if err := root.Execute(); err != nil {
		os.Exit(cmd.GetExitCode(err))
	}
}
