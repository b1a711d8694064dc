package input

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// SampleName is the usual file name of the sample submission.
const SampleName = "sample_submission.csv"

// The ranks of the names of a sample submission, the best first.
const (
	rankGiven  = iota // a name that the caller asks for
	rankUsual         // SampleName
	rankSample        // sampleSubmission.csv, stage_1_sample_submission.csv, sample_submission_v2.csv
	rankFormat        // submission_format.csv, example_submission.csv
	rankTest          // test.csv, the last resort
	rankNone          // no sample submission
)

// probedNames lists the sample names to look for in a folder that is not read to the
// end.
var probedNames = []string{SampleName, "sampleSubmission.csv", "SampleSubmission.csv", "test.csv"}

// sampleRank returns the rank of a file name as that of a sample submission.
func sampleRank(name string) int {
	lower := strings.ToLower(name)
	base, isCSV := strings.CutSuffix(lower, ".csv")
	if !isCSV || strings.HasPrefix(base, ".") {
		return rankNone
	}
	words := strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, base)
	submission := strings.Contains(words, "submission") || strings.Contains(words, "submit")
	switch {
	case lower == SampleName:
		return rankUsual
	case strings.Contains(words, "samplesub") || submission && strings.Contains(words, "sample"):
		return rankSample
	case submission && (strings.Contains(words, "format") || strings.Contains(words, "example") || strings.Contains(words, "template")):
		return rankFormat
	case base == "test":
		return rankTest
	}
	return rankNone
}

// IsSample reports whether path is named like a sample submission.
func IsSample(path string) bool { return sampleRank(filepath.Base(path)) < rankNone }

// isTestTable reports whether path is named like a table of the test images, which
// replaces a missing sample submission.
func isTestTable(path string) bool { return sampleRank(filepath.Base(path)) == rankTest }

// sortSamples sorts the sample submissions: the caller's names, SampleName, other
// names of a sample, then test.csv. Equal names are sorted by depth, then by stage or
// version, the latest first.
func sortSamples(paths, given []string) {
	rank := func(path string) int {
		if slices.Contains(given, filepath.Base(path)) {
			return rankGiven
		}
		return sampleRank(filepath.Base(path))
	}
	slices.SortFunc(paths, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(depth(a), depth(b)),
			cmp.Compare(version(b), version(a)), strings.Compare(a, b))
	})
}

// version returns the last number in a file's name, or 0.
func version(path string) int {
	isDigit := func(r rune) bool { return r >= '0' && r <= '9' }
	numbers := strings.FieldsFunc(filepath.Base(path), func(r rune) bool { return !isDigit(r) })
	if len(numbers) == 0 {
		return 0
	}
	n, err := strconv.Atoi(numbers[len(numbers)-1])
	if err != nil {
		return 0
	}
	return n
}

func depth(path string) int { return strings.Count(path, string(filepath.Separator)) }
