// SPDX-License-Identifier: GPL-2.0-only
/* The frame check sequence of Ethernet (IEEE 802.3, 3.2.9), eight bytes at a time. */
#include "nic.h"

#define CRC_POLYNOMIAL 0xedb88320u /* least significant bit first */

static uint32_t table[8][256];

void crc_init(void)
{
	if (table[0][1])
		return;
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
		table[0][i] = crc;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 255];
}

uint32_t crc_of(const void *bytes, uint32_t len)
{
	const uint8_t *at = bytes;
	uint32_t crc = UINT32_MAX;

	for (; len >= 8; len -= 8, at += 8) {
		uint64_t next = little_get(at, 8) ^ crc;

		crc = table[7][next & 255] ^ table[6][next >> 8 & 255] ^
		      table[5][next >> 16 & 255] ^ table[4][next >> 24 & 255] ^
		      table[3][next >> 32 & 255] ^ table[2][next >> 40 & 255] ^
		      table[1][next >> 48 & 255] ^ table[0][next >> 56];
	}
	while (len--)
		crc = crc >> 8 ^ table[0][(crc ^ *at++) & 255];
	return ~crc;
}
