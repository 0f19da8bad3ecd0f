package store_test

// Some tests run this test binary again as a child: to be killed, or as
// another user. childEnv names which of children it is to be.
const childEnv = "RAMPART_STORE_TEST_CHILD"

var children = map[string]func(){}
