//go:build !unix

package main

import "errors"

func descriptors() (uint64, error) { return 0, errors.ErrUnsupported }
