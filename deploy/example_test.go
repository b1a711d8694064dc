package deploy_test

import (
	"context"
	"fmt"
	"log"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/deploy/push"
)

// An ensemble file becomes a folder to upload, with a new key inside the private
// kernel. The program prints the commands that upload it.
func Example() {
	key, err := crypt.NewKey()
	if err != nil {
		log.Fatal(err)
	}
	manifest, err := deploy.Deploy(context.Background(), deploy.Options{
		Ensemble: "best_val_0.6397.yml",
		Plan:     plan.Options{Weights: []string{"models"}},
		Output:   "deploy",
		Owner:    "you",
		Key:      key,
		Input:    "data", // sample submission and images
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, command := range push.Commands(manifest, "deploy") {
		fmt.Println(command)
	}
}
