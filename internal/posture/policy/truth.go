package policy

// Truth is the result of a condition. False and True are the language's own;
// Open means that it depends on a value that was not delivered, Failed that a
// function or comparison could not be computed.
//
// The last two behave as Kleene's unknown: they decide nothing, so a false
// member still makes an allOf false whatever its neighbours do.
type Truth uint8

// The truths. The zero value is False.
const (
	False Truth = iota
	True
	Open
	Failed
)

// String names the truth: "false", "true", "unknown", "error".
func (t Truth) String() string { return [...]string{"false", "true", "unknown", "error"}[t] }

func truthOf(b bool) Truth {
	if b {
		return True
	}
	return False
}

// not inverts what is known.
func (t Truth) not() Truth {
	switch t {
	case False:
		return True
	case True:
		return False
	}
	return t
}

// and is false if either is; otherwise what is not known wins, a failure
// before an open value.
func (t Truth) and(u Truth) Truth {
	if t == False || u == False {
		return False
	}
	return max(t, u)
}

// or is true if either is.
func (t Truth) or(u Truth) Truth {
	if t == True || u == True {
		return True
	}
	return max(t, u)
}
