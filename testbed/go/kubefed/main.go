// KubeFed's controller manager as it is published.
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/kubefed/cmd/controller-manager/app"
)

func main() {
	// Nobody asks it to stop: whoever owns the process ends it.
	if err := app.NewControllerManagerCommand(nil).Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
