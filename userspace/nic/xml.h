/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading a model out of XML that the schema has seen. */
#ifndef UVF_NIC_XML_H
#define UVF_NIC_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libxml/tree.h>

#include "model.h"

struct reader {
	struct model *model;
	struct complaints *complaints;
};

/* --- xml.c ------------------------------------------------------------------------------------ */

bool xml_is(const xmlNode *node, const char *name);
/* The first of that name, @node or behind it. */
const xmlNode *xml_next(const xmlNode *node, const char *name);
const xmlNode *xml_child(const xmlNode *node, const char *name);
int xml_line(const xmlNode *node);
/* False, and "": there is no such attribute. */
bool xml_text(const xmlNode *node, const char *name, char *text, size_t size);
uint64_t xml_number(const xmlNode *node, const char *name, uint64_t otherwise);
bool xml_yes(const xmlNode *node, const char *name);
/* Which of @words an attribute is; -1: none */
int xml_word(const xmlNode *node, const char *name, const char *const *words, unsigned int n);
struct model_ref xml_ref(struct reader *reader, const xmlNode *node, const char *name);
void xml_condition(struct reader *reader, const xmlNode *node, struct model_condition *condition);
void xml_conditions(struct reader *reader, const xmlNode *node, const char *name,
		    struct model_conditions *all);
void xml_cases(struct reader *reader, const xmlNode *node, const char *name,
	       struct model_cases *cases);

/* --- xml_function.c: what a driver finds: config space, registers, interrupts ----------------- */

void xml_spaces(struct reader *reader, const xmlNode *root);
void xml_pci(struct reader *reader, const xmlNode *node);
void xml_interrupts(struct reader *reader, const xmlNode *root);
/* The bits of the cause that attribute @name names; 0: there is no such attribute. */
uint64_t xml_cause(struct reader *reader, const xmlNode *node, const char *name);

/* --- xml_rings.c: how frames move ------------------------------------------------------------- */

void xml_layouts(struct reader *reader, const xmlNode *root);
void xml_rings(struct reader *reader, const xmlNode *root);
/* Filters, counters, link, reset, window, script, module. */
void xml_device(struct reader *reader, const xmlNode *root);

#endif /* UVF_NIC_XML_H */
