// SPDX-License-Identifier: GPL-2.0-only
/* An XML file becomes a model: well-formed, as the schema has it, then what only a reader sees. */
#include "xml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libxml/parser.h>
#include <libxml/relaxng.h>

#include "why.h"

#define FILE_MAX (1 << 20)

/* The schema, as it is installed beside the personalities too. */
__asm__(".section .rodata\n"
	"personality_rng: .incbin \"userspace/personalities/personality.rng\"\n"
	"personality_rng_end: .byte 0\n"
	".previous\n");
extern const char personality_rng[], personality_rng_end[];

/* --- complaints ------------------------------------------------------------------------------- */

void complain(struct complaints *to, int line, const char *format, ...)
{
	unsigned int i = to->n++;
	va_list args;

	if (i >= COMPLAINTS)
		return;
	to->each[i].line = line;
	va_start(args, format);
	vsnprintf(to->each[i].text, sizeof(to->each[i].text), format, args);
	va_end(args);
}

int complaints_result(const struct complaints *from)
{
	if (!from->n)
		return 0;
	if (!from->each[0].line)
		return uvf_fail(EINVAL, "%s: %s", from->path, from->each[0].text);
	return uvf_fail(EINVAL, "%s:%d: %s", from->path, from->each[0].line, from->each[0].text);
}

static void on_error(void *arg, xmlErrorPtr error)
{
	char text[200];

	snprintf(text, sizeof(text), "%s", error->message ? error->message : "is not XML");
	text[strcspn(text, "\n")] = '\0';
	complain(arg, error->line, "%s", text);
}

/* --- the schema ------------------------------------------------------------------------------- */

static void validate(xmlDocPtr doc, struct complaints *complaints)
{
	xmlRelaxNGParserCtxtPtr parser =
		xmlRelaxNGNewMemParserCtxt(personality_rng, personality_rng_end - personality_rng);
	xmlRelaxNGPtr schema = parser ? xmlRelaxNGParse(parser) : NULL;
	xmlRelaxNGValidCtxtPtr context = schema ? xmlRelaxNGNewValidCtxt(schema) : NULL;

	if (context) {
		xmlRelaxNGSetValidStructuredErrors(context, on_error, complaints);
		if (xmlRelaxNGValidateDoc(context, doc) && !complaints->n)
			complain(complaints, 0, "is not as the schema has it");
	} else {
		complain(complaints, 0, "the schema can't be read");
	}
	xmlRelaxNGFreeValidCtxt(context);
	xmlRelaxNGFree(schema);
	xmlRelaxNGFreeParserCtxt(parser);
}

/* Neither the network nor other files are read, and entities mean nothing here. */
static xmlDocPtr doc_read(const char *text, unsigned long size, struct complaints *complaints)
{
	xmlParserCtxtPtr parser = xmlNewParserCtxt();
	xmlDocPtr doc = NULL;

	if (!parser) {
		complain(complaints, 0, "no memory");
		return NULL;
	}
	xmlSetStructuredErrorFunc(complaints, on_error);
	if (size <= FILE_MAX)
		doc = xmlCtxtReadMemory(parser, text, size, complaints->path, NULL,
					XML_PARSE_NONET | XML_PARSE_NOCDATA);
	else
		complain(complaints, 0, "is larger than %d bytes", FILE_MAX);
	if (doc && doc->intSubset)
		complain(complaints, 1, "a document type (DOCTYPE) is not wanted here");
	else if (doc)
		validate(doc, complaints);
	xmlSetStructuredErrorFunc(NULL, NULL);
	if (!doc && !complaints->n)
		complain(complaints, 0, "is not XML");
	xmlFreeParserCtxt(parser);
	if (complaints->n) {
		xmlFreeDoc(doc);
		return NULL;
	}
	return doc;
}

static char *file_read(const char *path, unsigned long *size, struct complaints *complaints)
{
	FILE *file = fopen(path, "re");
	char *text = malloc(FILE_MAX + 1);
	struct stat st;

	*size = 0;
	if (file && text && !fstat(fileno(file), &st) && S_ISREG(st.st_mode))
		*size = fread(text, 1, FILE_MAX + 1, file);
	else
		complain(complaints, 0, "can't be read: %s", !file ? strerror(errno) :
			 text ? "it is no file" : "no memory");
	if (file)
		fclose(file);
	return text;
}

/* --- attributes and names --------------------------------------------------------------------- */

bool xml_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && !strcmp((const char *)node->name, name);
}

const xmlNode *xml_next(const xmlNode *node, const char *name)
{
	while (node && !xml_is(node, name))
		node = node->next;
	return node;
}

const xmlNode *xml_child(const xmlNode *node, const char *name)
{
	return xml_next(node->children, name);
}

int xml_line(const xmlNode *node)
{
	return xmlGetLineNo(node);
}

/*
 * Without the blanks around it, which mean nothing to the schema either: its types collapse them
 * (XML Schema, part 2, 4.3.6), so that what it has let pass may have any number of them.
 */
bool xml_text(const xmlNode *node, const char *name, char *text, size_t size)
{
	static const char blanks[] = " \t\r\n";
	xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *)name);
	const char *from = value ? (const char *)value : "";
	size_t len;

	from += strspn(from, blanks);
	for (len = strlen(from); len && strchr(blanks, from[len - 1]); len--)
		;
	snprintf(text, size, "%.*s", (int)len, from);
	if (!value)
		return false;
	xmlFree(value);
	return true;
}

uint64_t xml_number(const xmlNode *node, const char *name, uint64_t otherwise)
{
	char text[32];

	return xml_text(node, name, text, sizeof(text)) ? strtoull(text, NULL, 0) : otherwise;
}

bool xml_yes(const xmlNode *node, const char *name)
{
	char text[8];

	return xml_text(node, name, text, sizeof(text)) && !strcmp(text, "yes");
}

int xml_word(const xmlNode *node, const char *name, const char *const *words, unsigned int n)
{
	char text[64];

	xml_text(node, name, text, sizeof(text));
	for (unsigned int i = 0; i < n; i++)
		if (words[i] && !strcmp(text, words[i]))
			return i;
	return -1;
}

/* "NAME" or "NAME[3]" */
struct model_ref xml_ref(struct reader *reader, const xmlNode *node, const char *name)
{
	struct model_ref ref = { -1, 0 };
	char text[64], *bracket;

	if (!xml_text(node, name, text, sizeof(text)))
		return ref;
	bracket = strchr(text, '[');
	if (bracket) {
		*bracket = '\0';
		ref.index = strtoul(bracket + 1, NULL, 10);
	}
	ref.reg = model_find_register(reader->model, text);
	if (ref.reg < 0)
		complain(reader->complaints, xml_line(node), "there is no register %s", text);
	else if (ref.index >= reader->model->reg[ref.reg].count) {
		complain(reader->complaints, xml_line(node), "register %s has no element %u", text,
			 ref.index);
		ref.reg = -1;
	}
	return ref;
}

void xml_condition(struct reader *reader, const xmlNode *node, struct model_condition *condition)
{
	condition->ref = xml_ref(reader, node, "register");
	condition->mask = xml_number(node, "mask", UINT64_MAX);
	condition->value = xml_number(node, "value", condition->mask);
	if (condition->value & ~condition->mask)
		complain(reader->complaints, xml_line(node),
			 "the value %#llx has bits that its mask %#llx has not",
			 (unsigned long long)condition->value, (unsigned long long)condition->mask);
}

void xml_conditions(struct reader *reader, const xmlNode *node, const char *name,
		    struct model_conditions *all)
{
	for (const xmlNode *each = xml_child(node, name); each; each = xml_next(each->next, name)) {
		if (all->n == MODEL_CONDITIONS) {
			complain(reader->complaints, xml_line(each), "more than %d of <%s>",
				 MODEL_CONDITIONS, name);
			return;
		}
		xml_condition(reader, each, &all->each[all->n++]);
	}
}

void xml_cases(struct reader *reader, const xmlNode *node, const char *name,
	       struct model_cases *cases)
{
	for (const xmlNode *each = xml_child(node, name); each; each = xml_next(each->next, name)) {
		if (cases->n == MODEL_CASES) {
			complain(reader->complaints, xml_line(each), "more than %d of <%s>",
				 MODEL_CASES, name);
			return;
		}
		xml_condition(reader, each, &cases->each[cases->n].when);
		cases->each[cases->n++].is = xml_number(each, "is", 0);
	}
}

/* --- the whole -------------------------------------------------------------------------------- */

static struct model *model_new(void)
{
	struct model *model = calloc(1, sizeof(*model));
	const struct model_ref none = { -1, 0 };

	if (!model)
		return NULL;
	model->reg = calloc(MODEL_REGISTERS, sizeof(*model->reg));
	model->irq = (struct model_irq){ .cause = none, .set = none, .mask = none,
					 .mask_clear = none, .throttle = none };
	model->filter.unicast = none;
	model->filter.hash = none;
	model->filter.vlan = none;
	model->station = none;
	model->reset.ref = none;
	model->link.ref = none;
	model->window_address = none;
	model->window_data = none;
	if (model->reg)
		return model;
	free(model);
	return NULL;
}

void model_free(struct model *model)
{
	if (!model)
		return;
	for (unsigned int i = 0; i < model->spaces; i++)
		free(model->space[i].owner);
	free(model->reg);
	free(model);
}

static struct model *doc_model(xmlDocPtr doc, struct complaints *complaints)
{
	struct model *model = model_new();
	struct reader reader = { model, complaints };
	const xmlNode *root = xmlDocGetRootElement(doc);

	if (!model) {
		complain(complaints, 0, "no memory");
		return NULL;
	}
	xml_text(root, "name", model->name, sizeof(model->name));
	xml_text(root, "text", model->text, sizeof(model->text));
	xml_spaces(&reader, root);
	xml_pci(&reader, xml_child(root, "pci"));
	xml_interrupts(&reader, root);
	xml_layouts(&reader, root);
	xml_rings(&reader, root);
	xml_device(&reader, root);
	if (!complaints->n)
		model_check(model, complaints);
	if (!complaints->n)
		return model;
	model_free(model);
	return NULL;
}

struct model *model_read(const char *path, const char *text, unsigned long size,
			 struct complaints *complaints)
{
	struct model *model = NULL;
	char *own = NULL;
	xmlDocPtr doc;

	complaints->path = path;
	if (!text) {
		own = file_read(path, &size, complaints);
		text = own;
	}
	doc = complaints->n ? NULL : doc_read(text, size, complaints);
	if (doc)
		model = doc_model(doc, complaints);
	xmlFreeDoc(doc);
	free(own);
	return model;
}
