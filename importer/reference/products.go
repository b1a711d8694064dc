package reference

import (
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// products are the operators that multiply matrices.
var products = map[string]operator{
	"Einsum": {least: 1, most: many, run: einsum},
	"Gemm":   {least: 2, most: 3, run: gemm},
	"MatMul": {least: 2, most: 2, run: matMul},
}

// product returns the (m,n) product of a (m,k) and b (k,n).
func product(a, b []float64, m, k, n int) []float64 {
	out := make([]float64, m*n)
	for i := range m {
		row := out[i*n : (i+1)*n]
		for p := range k {
			f := a[i*k+p]
			for j, v := range b[p*n : (p+1)*n] {
				row[j] += f * v
			}
		}
	}
	return out
}

// matMul multiplies stacks of matrices, whose other axes broadcast. Vectors count as
// matrices of one row or column.
func matMul(c *call) {
	if !c.rank(0, 1) || !c.rank(1, 1) {
		return
	}
	a, b := c.in[0], c.in[1]
	as, bs := a.Shape, b.Shape
	if len(as) == 1 {
		as = []int{1, as[0]}
	}
	if len(bs) == 1 {
		bs = []int{bs[0], 1}
	}
	m, k, n := as[len(as)-2], as[len(as)-1], bs[len(bs)-1]
	batch, ok := tensor.BroadcastShape(as[:len(as)-2], bs[:len(bs)-2])
	if !ok || bs[len(bs)-2] != k || a.Type != b.Type {
		c.fail("%v and %v cannot be multiplied", a, b)
		return
	}
	shape := slices.Clone(batch)
	if a.Rank() > 1 {
		shape = append(shape, m)
	}
	if b.Rank() > 1 {
		shape = append(shape, n)
	}
	if !c.plan(a.Type, shape) {
		return
	}
	c.cost(tensor.Len(batch), m, k, n)
	if c.err != nil {
		return
	}
	av := a.Reshape(as).Broadcast(append(slices.Clone(batch), m, k)).Float64s()
	bv := b.Reshape(bs).Broadcast(append(slices.Clone(batch), k, n)).Float64s()
	var out []float64
	for i := range tensor.Len(batch) {
		out = append(out, product(av[i*m*k:(i+1)*m*k], bv[i*k*n:(i+1)*k*n], m, k, n)...)
	}
	c.set(out)
}

// gemm computes alpha*A*B + beta*C.
func gemm(c *call) {
	a, b, bias := c.in[0], c.in[1], c.in[2]
	if a.Rank() != 2 || b.Rank() != 2 || a.Type != b.Type {
		c.fail("it takes two matrices of one type")
		return
	}
	as, bs := slices.Clone(a.Shape), slices.Clone(b.Shape)
	transA, transB := c.int("transA", 0) != 0, c.int("transB", 0) != 0
	if transA {
		slices.Reverse(as)
	}
	if transB {
		slices.Reverse(bs)
	}
	m, k, n := as[0], as[1], bs[1]
	if bs[0] != k {
		c.fail("%v and %v cannot be multiplied", as, bs)
	}
	shape := []int{m, n}
	if bias != nil {
		if full, ok := tensor.BroadcastShape(shape, bias.Shape); !ok || !slices.Equal(full, shape) {
			c.fail("the bias %v does not fit %v", bias, shape)
		}
	}
	alpha, beta := c.float("alpha", 1), c.float("beta", 1)
	if !c.plan(a.Type, shape) {
		return
	}
	c.cost(m, k, n)
	if c.err != nil {
		return
	}
	if transA {
		a = a.Permute([]int{1, 0})
	}
	if transB {
		b = b.Permute([]int{1, 0})
	}
	out := product(a.Float64s(), b.Float64s(), m, k, n)
	for i := range out {
		out[i] *= alpha
	}
	if bias != nil {
		for i, v := range bias.Broadcast(shape).Float64s() {
			out[i] += beta * v
		}
	}
	c.set(out)
}

// einsum sums products over the letters that the result leaves out.
func einsum(c *call) {
	xs := c.present()
	terms, result, ok := c.terms(xs)
	if !ok {
		return
	}
	sides := map[rune]int{}
	var letters []rune // those of the result, then those summed over
	letters = append(letters, result...)
	for i, term := range terms {
		for d, r := range term {
			side := xs[i].Shape[d]
			if have, ok := sides[r]; ok && have != side && have != 1 && side != 1 {
				c.fail("sides of %d and %d have one letter", have, side)
			}
			sides[r] = max(side, sides[r])
			if !slices.Contains(letters, r) {
				letters = append(letters, r)
			}
		}
	}
	var shape []int
	for _, r := range result {
		side, ok := sides[r]
		if !ok {
			c.fail("no input has the letter %q", r)
		}
		shape = append(shape, side)
	}
	if !c.plan(xs[0].Type, shape) {
		return
	}
	counts := make([]int, len(letters))
	for i, r := range letters {
		counts[i] = sides[r]
	}
	c.cost(counts...)
	if c.err != nil {
		return
	}
	c.set(contract(xs, terms, letters, counts, tensor.Len(shape)))
}

// contract sums the products of all combinations of the letters' indices. The last
// letters of a combination run over the elements of one of n results.
func contract(xs []*tensor.Tensor, terms [][]rune, letters []rune, counts []int, n int) []float64 {
	strides := make([][]int, len(xs)) // of each operand along each letter
	data := make([][]float64, len(xs))
	for i, x := range xs {
		strides[i] = make([]int, len(letters))
		data[i] = x.Float64s()
		own := tensor.Strides(x.Shape)
		for d, r := range terms[i] {
			if x.Shape[d] > 1 {
				strides[i][slices.Index(letters, r)] += own[d]
			}
		}
	}
	total := tensor.Len(counts)
	out := make([]float64, n)
	if n == 0 {
		return out
	}
	at, places := make([]int, len(letters)), make([]int, len(xs))
	for step := range total {
		p := 1.0
		for i, d := range data {
			p *= d[places[i]]
		}
		out[step/(total/n)] += p
		for l := len(letters) - 1; l >= 0; l-- {
			at[l]++
			for i := range places {
				places[i] += strides[i][l]
			}
			if at[l] < counts[l] {
				break
			}
			for i := range places {
				places[i] -= strides[i][l] * counts[l]
			}
			at[l] = 0
		}
	}
	return out
}

// terms parses the equation. Axes under an ellipsis get letters of their own: capital
// ones of another script.
func (c *call) terms(xs []*tensor.Tensor) (terms [][]rune, result []rune, ok bool) {
	equation := strings.ReplaceAll(c.text("equation", ""), " ", "")
	left, right, explicit := strings.Cut(equation, "->")
	parts := strings.Split(left, ",")
	if len(parts) != len(xs) {
		c.fail("the equation %q does not have %d inputs", equation, len(xs))
		return nil, nil, false
	}
	most := 0
	for i, part := range parts {
		term, hidden := expandEllipsis(part, xs[i].Rank())
		if len(term) != xs[i].Rank() {
			c.fail("the equation %q does not fit the shape %v", equation, xs[i].Shape)
			return nil, nil, false
		}
		most = max(most, hidden)
		terms = append(terms, term)
	}
	if explicit {
		plain := strings.ReplaceAll(right, "...", "")
		result, _ = expandEllipsis(right, len([]rune(plain))+most)
		return terms, result, true
	}
	// Without an arrow, the letters that appear once remain, in alphabetical order.
	count := map[rune]int{}
	for _, term := range terms {
		for _, r := range term {
			count[r]++
		}
	}
	for r, n := range count {
		if n == 1 && r < hiddenLetter {
			result = append(result, r)
		}
	}
	slices.Sort(result)
	return terms, append(hiddenLetters(most), result...), true
}

// hiddenLetter is the letter of the last axis under an ellipsis; the axis before has
// the next one.
const hiddenLetter = 'Α'

func hiddenLetters(n int) (letters []rune) {
	for i := range n {
		letters = append(letters, hiddenLetter+rune(n-1-i))
	}
	return letters
}

func expandEllipsis(part string, rank int) (term []rune, hidden int) {
	before, after, ok := strings.Cut(part, "...")
	if !ok {
		return []rune(part), 0
	}
	hidden = max(0, rank-len([]rune(before))-len([]rune(after)))
	return slices.Concat([]rune(before), hiddenLetters(hidden), []rune(after)), hidden
}
