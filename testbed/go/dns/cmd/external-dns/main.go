// external-dns as it is published, with all its sources and providers.
package main

import (
	_ "k8s.io/client-go/plugin/pkg/client/auth"

	"sigs.k8s.io/external-dns/controller"
)

func main() { controller.Execute() }
