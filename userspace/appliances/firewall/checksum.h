/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Internet checksum (RFC 1071). Words are added as they lie in memory: the sum of swapped
 * words is the swapped sum, so that no byte order appears here (RFC 1071 section 2, B).
 */
#ifndef FW_CHECKSUM_H
#define FW_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Adds @len bytes, at most 64 KiB in all: 32 bits then hold the sum without its carries. */
static inline uint32_t csum_add(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint16_t word;

	for (; len > 1; p += 2, len -= 2) {
		memcpy(&word, p, 2);
		sum += word;
	}
	if (len) {
		word = 0;
		memcpy(&word, p, 1);
		sum += word;
	}
	return sum;
}

static inline uint16_t csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return ~sum;
}

/* The checksum of @data; 0 when @data holds a correct one already. */
static inline uint16_t csum(const void *data, size_t len)
{
	return csum_fold(csum_add(0, data, len));
}

/* The checksum @check after a word @from became @to: RFC 1624, equation 3. */
static inline uint16_t csum_replace(uint16_t check, uint16_t from, uint16_t to)
{
	return csum_fold((uint32_t)(uint16_t)~check + (uint16_t)~from + to);
}

#endif /* FW_CHECKSUM_H */
