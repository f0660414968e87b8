/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* One sentence about what went wrong, kept for each thread beside the errno. */
#ifndef UVF_WHY_H
#define UVF_WHY_H

#define UVF_WHY_SIZE 256

/* Keeps the sentence and returns -@err: `return uvf_fail(EINVAL, "…", …);` */
__attribute__((format(printf, 2, 3))) int uvf_fail(int err, const char *format, ...);

/* The sentence kept last, or "" */
const char *uvf_why(void);

#endif /* UVF_WHY_H */
