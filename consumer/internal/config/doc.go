// Package config owns the configuration of billing-consumer: which values there are, their defaults, where they are
// read (a YAML file, then the environment, which wins) and what makes each of them wrong.
//
// Every value has one name in two spellings: `rocketmq.name_servers` in the file is BILLING_ROCKETMQ_NAME_SERVERS in
// the environment, where a list is separated by commas and an empty variable counts as not set, and a list of sections is written as in the file. Reading is strict: an
// unknown key, a wrong type or a bad value is an error, all errors come at once, and each names its field and the place
// it was read from. No error and no printed Config ever shows a secret or the content of a value that could be one.
package config
