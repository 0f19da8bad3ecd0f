package policy

// functions are the pure functions: their result depends on the arguments
// alone. The number of arguments is as signatures says.
var functions = map[string]func(args []Value) (Value, error){}
