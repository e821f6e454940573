package messages

// Requests about the way to OpenSearch.
type (
	// CheckShipping goes the way to OpenSearch step by step, with the configuration in force, and
	// sends a test document. Reply: ShippingChecked. Code conflict: no endpoint is set.
	CheckShipping struct{ Origin Origin }
	// ShippingChecked holds the steps, as far as the way led.
	ShippingChecked struct{ Steps []ShippingStep }
	// ShippingStep is one of them.
	ShippingStep struct {
		Name   string
		OK     bool
		Found  string // what was seen, in words
		Remedy string // what to do where it is not well
	}
)
