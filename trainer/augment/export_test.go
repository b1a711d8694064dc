package augment

// Internals that tests reach.
var (
	ToHSV      = toHSV
	FromHSV    = fromHSV
	BetaSample = betaSample
)
