//go:build ignore

// Command generate makes words/american.txt.gz of the list american-english-large
// in Debian's package wamerican-large:
//
//	go run generate.go /usr/share/dict/american-english-large
//
// It leaves out British spellings that the list has beside American ones.
package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"log"
	"os"
	"regexp"
	"slices"
	"strings"
)

// british are spellings of the list that are not American and follow no rule.
const british = `grey greys greyed greyish greyer greyest greying greyness learnt spelt misspelt burnt leapt spilt
whilst amongst judgement judgements acknowledgement acknowledgements ageing licence licences practise practised
practises practising programme programmes artefact artefacts fulfil fulfils skilful skilfully enrol enrols focussed focusses
focussing biassed biasses theatre theatres catalogue catalogues instalment instalments wilful wilfully enquiry enquiries
dependant dependants sulphur routeing plough ploughs storey storeys counsellor counsellors omelette`

var doubled = regexp.MustCompile(`^([a-z]+l)l(ed|ing|er|ers|ings)$`)

func main() {
	f, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	words := map[string]bool{}
	for s := bufio.NewScanner(f); s.Scan(); {
		words[s.Text()] = true
	}
	var kept []string
	for w := range words {
		if strings.HasSuffix(w, "'s") || slices.Contains(strings.Fields(british), w) {
			continue
		}
		if m := doubled.FindStringSubmatch(w); m != nil && words[m[1]] && !words[m[1]+"l"] && words[m[1]+m[2]] {
			continue // the spelling with two l, beside the one with one
		}
		kept = append(kept, w)
	}
	slices.Sort(kept)
	out, err := os.Create("words/american.txt.gz")
	if err != nil {
		log.Fatal(err)
	}
	z, _ := gzip.NewWriterLevel(out, gzip.BestCompression)
	fmt.Fprintln(z, strings.Join(kept, "\n"))
	if err := z.Close(); err != nil {
		log.Fatal(err)
	}
	if err := out.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(kept), "words")
}
