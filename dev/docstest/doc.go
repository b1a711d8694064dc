// Package docstest executes the command blocks of README.md, CONTRIBUTING.md and
// docs/*.md, and compares what the commands print with what the documents show.
//
//	doc, err := docstest.Parse("docs/quickstart.md", text)
//	failures := docstest.Run(ctx, doc, docstest.World{Dir: folder, Bin: bin, Root: module})
//
// A reader's terminal is the model: the blocks of a document run in order, in one
// shell and one folder.
//
//   - An sh block holds commands. All of them must succeed.
//   - A console block holds commands after "$ " and their output, as a terminal
//     shows it. In a shown output "…" stands for any text within a line, and a line
//     that is only "…" for any number of lines.
//   - A go block that begins with "package main" must compile against the module.
//
// Directives are HTML comments before a block; readers do not see them:
//
//	<!-- docs-test: skip: needs a Kaggle account -->  not executed; the reason is listed
//	<!-- docs-test: status 1 -->                      the block's last command ends with status 1
//	<!-- docs-test: figures vary -->                  any number, duration or size stands for any other
//	<!-- docs-test: run                               commands that prepare what follows
//	…
//	-->
//
// Directives at the top of a document, before its first heading:
//
//	<!-- docs-test: start in a checkout -->           begin in a copy of the repository
//	<!-- docs-test: start after quickstart.md -->     begin where that document's run ended
//	<!-- docs-test: skip all: REASON -->              no block is executed
//	<!-- docs-test: long -->                          only make docs-test runs it
package docstest
