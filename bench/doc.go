// Package bench measures Rampart beside the engines that a user would pick
// instead, with the same rules and the same resources in the same run. It is a
// module of its own, so that the peers' dependencies stay out of the product.
package bench
