// external-dns as it is published; the test bed builds it without the clouds' providers.
package main

import (
	_ "k8s.io/client-go/plugin/pkg/client/auth"

	"sigs.k8s.io/external-dns/controller"
)

func main() { controller.Execute() }
