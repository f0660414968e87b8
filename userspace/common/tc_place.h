/* SPDX-License-Identifier: GPL-2.0-only */
/* Where uvfd's tc filters stand, so that they are found again after a uvfd was killed. */
#ifndef UVF_TC_PLACE_H
#define UVF_TC_PLACE_H

#define TC_HANDLE 1
#define TC_PRIORITY 0x7576

#endif /* UVF_TC_PLACE_H */
