package input

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// probes is the number of ids by which folders of items are recognized.
	probes = 32
	// maxProbed is the number of folders up to which each is probed. With more, the
	// items lie in nested folders, and all of these are listed anyway.
	maxProbed = 256
	// maxCandidates is the number of files that are kept for one id.
	maxCandidates = 16
)

// The ranks of a file for an id, the best first. From rankBare on, the file probably
// is not an item.
const (
	rankExact    = iota // the id's own name, which has an item's ending
	rankEnding          // the id and an item's ending
	rankSpelling        // the id's own name with its ending spelled otherwise
	rankOther           // the id's name with another item's ending
	rankBare            // the id's own name, which has no item's ending
	rankAlien           // the id and an ending that no decoder reads
)

// rankScale separates ranks in a score; smaller parts are preferences of endings.
const rankScale = 64

// nameKey is the key by which a file's name finds the queries that it may answer: the
// last folder of the query, or "", and the name or its stem. The folder keeps ids such
// as patient7/1 from being compared with the file 1 of every patient.
type nameKey struct{ folder, name string }

// query is an id, split into folders and a file name.
type query struct {
	id   string
	dir  string // the folders before the name, with slashes; "" for none
	base string
}

// parseID splits an id. It refuses ids that lead out of a folder.
func parseID(id string) (query, bool) {
	path := strings.TrimLeft(strings.ReplaceAll(id, `\`, "/"), "/")
	path = strings.TrimPrefix(path, "./")
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0) {
			return query{}, false
		}
	}
	i := strings.LastIndexByte(path, '/')
	return query{id: id, dir: path[:max(i, 0)], base: path[i+1:]}, true
}

// rank compares a file's name with the id's. ok is false if they have nothing in
// common. Smaller scores are better; score/rankScale is the rank.
func (q query) rank(name string, e Endings) (score int, ok bool) {
	ext := e.of(name)
	preference := 2 * slices.Index(e.Decoded, strings.ToLower(ext))
	if ext != strings.ToLower(ext) {
		preference++
	}
	stem, queryExt := strings.TrimSuffix(name, filepath.Ext(name)), e.of(q.base)
	sameStem := queryExt != "" && stem == strings.TrimSuffix(q.base, queryExt)
	switch {
	case name == q.base && ext != "":
		return rankExact * rankScale, true
	case stem == q.base && ext != "":
		return rankEnding*rankScale + preference, true
	case sameStem && strings.EqualFold(ext, queryExt):
		return rankSpelling * rankScale, true
	case sameStem && ext != "":
		return rankOther*rankScale + preference, true
	case name == q.base:
		return rankBare * rankScale, true
	case stem == q.base, sameStem:
		return rankAlien * rankScale, true
	}
	return 0, false
}

// candidate is a file that may be the image of an id.
type candidate struct {
	folder int // index into locator.folders
	name   string
	score  int
}

// class is 0 for a file that a decoder probably reads, else its rank.
func (c candidate) class() int {
	if rank := c.score / rankScale; rank >= rankBare {
		return rank
	}
	return 0
}

// locator is the state of one search.
type locator struct {
	endings Endings
	folders []folder
	known   map[string]bool // paths of folders
	queries []query
	byName  map[nameKey][]int // queries by name and by stem
	found   [][]candidate     // by query
	open    int               // queries without a usable file
	hits    []int             // by folder: ids found in it
}

// locate finds the files of ids in folders, and in unvisited folders below them.
func locate(ctx context.Context, folders []folder, e Endings, ids []string) (*Items, error) {
	l := &locator{endings: e, folders: slices.Clone(folders), known: map[string]bool{}, byName: map[nameKey][]int{}}
	for _, id := range ids {
		q, ok := parseID(id)
		if !ok {
			continue
		}
		i := len(l.queries)
		l.queries = append(l.queries, q)
		last := q.dir[strings.LastIndexByte(q.dir, '/')+1:]
		key := nameKey{last, q.base}
		l.byName[key] = append(l.byName[key], i)
		if ext := e.of(q.base); ext != "" {
			key.name = strings.TrimSuffix(q.base, ext)
			l.byName[key] = append(l.byName[key], i)
		}
	}
	l.found = make([][]candidate, len(l.queries))
	l.open = len(l.queries)
	for _, f := range l.folders {
		l.known[f.path] = true
	}
	probed := len(l.folders) <= maxProbed
	if probed {
		l.probe()
	}
	l.hits = make([]int, len(l.folders))
	for i := 0; i < len(l.folders) && (l.open > 0 || !probed); i++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l.list(i)
	}
	return l.result(), nil
}

// probe sorts the folders by the number of sampled ids that they have files for. The
// first folders then usually have all items.
func (l *locator) probe() {
	some := spread(l.queries, probes)
	hits := make(map[string]int, len(l.folders))
	for _, f := range l.folders {
		for _, q := range some {
			if f.answers(q.dir) && f.has(q.base) {
				hits[f.path]++
			}
		}
	}
	slices.SortStableFunc(l.folders, func(a, b folder) int {
		return cmp.Or(cmp.Compare(hits[b.path], hits[a.path]), byLikelihood(a, b))
	})
}

// byLikelihood orders folders by their paths alone.
func byLikelihood(a, b folder) int {
	return cmp.Or(cmp.Compare(b.testLike(), a.testLike()), cmp.Compare(a.depth, b.depth), strings.Compare(a.path, b.path))
}

// testLike returns 1 for a folder at or below one named after a test set, -1 for one
// named after a training set, else 0.
func (f folder) testLike() int {
	words := strings.FieldsFunc(strings.ToLower(f.rel), func(r rune) bool { return r < 'a' || r > 'z' })
	for _, w := range words {
		if strings.HasPrefix(w, "test") {
			return 1
		}
	}
	for _, w := range words {
		if strings.HasPrefix(w, "train") {
			return -1
		}
	}
	return 0
}

// answers reports whether a folder matches the folders dir of an id.
func (f folder) answers(dir string) bool {
	return dir == "" || f.abs == dir || strings.HasSuffix(f.abs, "/"+dir)
}

// has reports whether a folder has a file for a name, with one of the endings seen in
// the folder.
func (f folder) has(base string) bool {
	for _, ext := range append(slices.Clone(f.exts), "") {
		if info, err := os.Stat(filepath.Join(f.path, base+ext)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// list reads folder i to the end and records every file that may match an id.
func (l *locator) list(i int) {
	f := l.folders[i]
	d, err := os.Open(f.path)
	if err != nil {
		return // Find has added a warning
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(maxEntries)
		for _, e := range entries {
			if e.IsDir() {
				l.enter(f, e.Name())
				continue
			}
			l.match(i, e.Name())
		}
		if err != nil || len(entries) == 0 {
			if err != nil && !errors.Is(err, io.EOF) {
				l.hits[i] = 0
			}
			return
		}
	}
}

// enter adds a folder below f that the walk did not reach.
func (l *locator) enter(f folder, name string) {
	path := filepath.Join(f.path, name)
	if !f.partial || l.known[path] || len(l.folders) >= maxFolders {
		return
	}
	l.known[path] = true
	below := newFolder(path, filepath.Join(f.rel, name), f.depth+1)
	below.partial = true
	l.folders = append(l.folders, below)
	l.hits = append(l.hits, 0)
}

// match records a file for the ids that its name matches.
func (l *locator) match(folder int, name string) {
	f := l.folders[folder]
	try := func(queries []int) {
		for _, i := range queries {
			q := l.queries[i]
			if !f.answers(q.dir) {
				continue
			}
			score, ok := q.rank(name, l.endings)
			if !ok {
				continue
			}
			c := candidate{folder, name, score}
			if c.class() == 0 {
				if !slices.ContainsFunc(l.found[i], func(c candidate) bool { return c.class() == 0 }) {
					l.open--
				}
				l.hits[folder]++
			}
			if len(l.found[i]) < maxCandidates && !slices.Contains(l.found[i], c) {
				l.found[i] = append(l.found[i], c)
			}
		}
	}
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	for _, last := range []string{"", path.Base(f.abs)} {
		try(l.byName[nameKey{last, name}])
		if stem != name {
			try(l.byName[nameKey{last, stem}])
		}
	}
}

// result chooses a file for every id.
func (l *locator) result() *Items {
	order := make([]int, len(l.folders)) // of folders, the best first
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(l.hits[b], l.hits[a]), byLikelihood(l.folders[a], l.folders[b]))
	})
	place := make([]int, len(order))
	for i, f := range order {
		place[f] = i
	}
	m := &Items{paths: make(map[string]string, len(l.queries))}
	for i, q := range l.queries {
		if len(l.found[i]) == 0 {
			continue
		}
		best := slices.MinFunc(l.found[i], func(a, b candidate) int {
			return cmp.Or(cmp.Compare(a.class(), b.class()), cmp.Compare(place[a.folder], place[b.folder]),
				cmp.Compare(a.score, b.score), strings.Compare(a.name, b.name))
		})
		m.paths[q.id] = filepath.Join(l.folders[best.folder].path, best.name)
	}
	return m
}

// spread returns at most n of the elements, evenly spaced.
func spread[E any](all []E, n int) []E {
	if len(all) <= n {
		return all
	}
	some := make([]E, n)
	for i := range some {
		some[i] = all[i*len(all)/n]
	}
	return some
}
