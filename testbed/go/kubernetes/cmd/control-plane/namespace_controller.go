package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/clientcmd"
	namespacecontroller "k8s.io/kubernetes/pkg/controller/namespace"
)

// Without a controller manager a deleted namespace would stay Terminating for
// ever, with everything in it. This is the controller manager's own controller
// for that, once for each context of a kubeconfig.
func runNamespaceControllers(arguments []string) error {
	if len(arguments) != 1 {
		return errors.New("expected one argument, a kubeconfig")
	}
	config, err := clientcmd.LoadFromFile(arguments[0])
	if err != nil {
		return err
	}
	ctx := context.Background()
	for name := range config.Contexts {
		if err := startNamespaceController(ctx, clientcmd.NewNonInteractiveClientConfig(*config, name, nil, nil)); err != nil {
			return fmt.Errorf("context %s: %w", name, err)
		}
	}
	select {}
}

func startNamespaceController(ctx context.Context, config clientcmd.ClientConfig) error {
	rest, err := config.ClientConfig()
	if err != nil {
		return err
	}
	// As the controller manager does: it makes many calls for one namespace.
	rest.QPS, rest.Burst = 400, 3000
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return err
	}
	objects, err := metadata.NewForConfig(rest)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	controller := namespacecontroller.NewNamespaceController(
		ctx, client, objects,
		client.Discovery().ServerPreferredNamespacedResources,
		factory.Core().V1().Namespaces(), 5*time.Minute, v1.FinalizerKubernetes)
	factory.Start(ctx.Done())
	go controller.Run(ctx, 5)
	return nil
}
