package engine
type rule struct{}
