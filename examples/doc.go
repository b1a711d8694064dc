// Package examples holds worked examples, each a folder with a page of its own. Its tests
// run them from the training to the submission.
package examples
