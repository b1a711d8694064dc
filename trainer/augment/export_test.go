package augment

// What only tests reach.
var (
	ToHSV      = toHSV
	FromHSV    = fromHSV
	BetaSample = betaSample
)
