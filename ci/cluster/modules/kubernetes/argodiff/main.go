// Prints what Argo CD would show as the difference between what git says of an object and what the API server has: its own
// code, with a schema read from the API server. Reads JSON: [{"config": ..., "live": ...}]; prints [[predicted, live], null].
package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"

	"github.com/argoproj/gitops-engine/pkg/diff"
	"github.com/argoproj/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/gitops-engine/pkg/utils/tracing"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// What Argo CD applies as.
const manager = "argocd-controller"

type pair struct {
	Config, Live map[string]any
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "of the API server whose schema counts")
	serverSide := flag.Bool("server-side", false, "as with syncOptions: [ServerSideApply=true]")
	flag.Parse()
	var pairs []pair
	if err := json.NewDecoder(os.Stdin).Decode(&pairs); err != nil {
		log.Fatal(err)
	}
	options := options(*kubeconfig, *serverSide)
	found := []*[2]json.RawMessage{}
	for _, one := range pairs {
		config, live := unstructured.Unstructured{Object: one.Config}, unstructured.Unstructured{Object: one.Live}
		result, err := diff.Diff(&config, &live, options...)
		if err != nil {
			log.Fatalf("%s %s: %v", config.GetKind(), config.GetName(), err)
		}
		if result.Modified {
			found = append(found, &[2]json.RawMessage{result.PredictedLive, result.NormalizedLive})
		} else {
			found = append(found, nil)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}

func options(kubeconfig string, serverSide bool) []diff.Option {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	kubectl := kube.KubectlCmd{Log: klog.Background(), Tracer: tracing.NopTracer{}}
	_, parser, err := kubectl.LoadOpenAPISchema(config)
	if err != nil {
		log.Fatal(err)
	}
	return []diff.Option{diff.WithManager(manager), diff.WithGVKParser(parser), diff.WithStructuredMergeDiff(serverSide)}
}
