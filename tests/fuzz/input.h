/* SPDX-License-Identifier: GPL-2.0-only */
/* An input that is taken apart from its beginning; zeroes are behind its end. */
#ifndef INPUT_H
#define INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct input {
	const uint8_t *data;
	size_t size;
};

static inline void take(struct input *input, void *to, size_t size)
{
	size_t n = size < input->size ? size : input->size;

	memset(to, 0, size);
	memcpy(to, input->data, n);
	input->data += n;
	input->size -= n;
}

#endif /* INPUT_H */
