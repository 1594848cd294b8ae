/* Where the code of a loaded library lies: tells whose call it is that a test stands in for. */
#ifndef COOPSEG_TEST_CODE_OF_H
#define COOPSEG_TEST_CODE_OF_H

#include <link.h>
#include <stdint.h>
#include <string.h>

typedef struct code {
    const char *name;
    uintptr_t begin, end;
} code;

static int note_code(struct dl_phdr_info *library, size_t size, void *user_data)
{
    code *found = (code *)user_data;
    int i;
    (void)size;
    for (i = 0; i < library->dlpi_phnum && strstr(library->dlpi_name, found->name) != NULL; i++) {
        if (library->dlpi_phdr[i].p_type == PT_LOAD && (library->dlpi_phdr[i].p_flags & PF_X) != 0) {
            found->begin = (uintptr_t)(library->dlpi_addr + library->dlpi_phdr[i].p_vaddr);
            found->end = found->begin + (uintptr_t)library->dlpi_phdr[i].p_memsz;
        }
    }
    return 0;
}

/* The code of the library whose path holds `name`; empty where it is not loaded. Asking at every call would be slow. */
static code code_of(const char *name)
{
    code found = {NULL, 0, 0};
    found.name = name;
    dl_iterate_phdr(note_code, &found);
    return found;
}

static int is_in(const code *range, const void *address)
{
    return (uintptr_t)address >= range->begin && (uintptr_t)address < range->end;
}

#endif
