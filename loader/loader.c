/* Finds and opens libcoopseg-core and libtorch; answers what must be answered without them. */
#define _GNU_SOURCE
#include "loader.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* COOPSEG_CORE and COOPSEG_LIBTORCH_VERSION come from CMake, and the version from coopseg.h. */
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)
#define VERSION TEXT(COOPSEG_VERSION_MAJOR) "." TEXT(COOPSEG_VERSION_MINOR) "." TEXT(COOPSEG_VERSION_PATCH)

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static int is_open = 0;
static coopseg_status (*core_last_error)(char *buffer, size_t capacity, size_t *out_length);
static size_t (*core_live_handles)(void);
static coopseg_status (*core_load_libtorch)(const char *folder);

/* What coopseg_last_error() tells on this thread as long as the core has nothing to tell. */
static __thread char message[2048];

/** Whether the core is open: then it stays open. */
static int loader_is_open(void)
{
    return __atomic_load_n(&is_open, __ATOMIC_ACQUIRE);
}

/** Bytes of a UTF-8 text of `length` bytes that can be kept where there is room for `room` of them. */
static size_t whole_characters(const char *text, size_t length, size_t room)
{
    if (length > room) {
        length = room;
        while (length > 0 && ((unsigned char)text[length] & 0xc0u) == 0x80u) {
            length--;
        }
    }
    return length;
}

__attribute__((format(printf, 2, 3))) static coopseg_status fails(coopseg_status status, const char *format, ...)
{
    char text[2 * sizeof message];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    const size_t length = whole_characters(text, strlen(text), sizeof message - 1);
    memcpy(message, text, length);
    message[length] = '\0';
    return status;
}

static const char *last_dlerror(void)
{
    const char *const text = dlerror();
    return text != NULL ? text : "no reason given";
}

/** The folder that this library lies in, without links. */
static int own_folder(char folder[PATH_MAX])
{
    Dl_info about;
    char *slash;
    if (dladdr((const void *)&is_open, &about) == 0 || realpath(about.dli_fname, folder) == NULL ||
        (slash = strrchr(folder, '/')) == NULL) {
        return 0;
    }
    *slash = '\0';
    return 1;
}

/** Opens a library; where that fails, `reason` tells why. */
static void *open_library(const char *path, char *reason, size_t capacity)
{
    char file[PATH_MAX];
    void *opened = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (opened == NULL) {
        snprintf(reason, capacity, "%s", last_dlerror());
        /* Where it is a link, what it needs may lie beside the file that the link leads to. */
        if (realpath(path, file) != NULL && strcmp(file, path) != 0) {
            opened = dlopen(file, RTLD_NOW | RTLD_LOCAL);
        }
    }
    return opened;
}

/** Opens libtorch in `given` or `given`/lib. `name` says where the caller's wish comes from. */
static coopseg_status open_libtorch(const char *name, const char *given, coopseg_status missing)
{
    static const char *const parts[] = {"/lib", ""};
    static const char *const libraries[] = {"libc10.so", "libtorch_cpu.so"};
    char path[PATH_MAX], reason[1024];
    for (size_t part = 0; part < 2 && *given != '\0'; part++) {
        const int length = snprintf(path, sizeof path, "%s%s/%s", given, parts[part], libraries[1]);
        if (length < 0 || (size_t)length >= sizeof path || access(path, F_OK) != 0) {
            continue;
        }
        void *first = NULL;
        for (size_t library = 0; library < 2; library++) {
            snprintf(path, sizeof path, "%s%s/%s", given, parts[part], libraries[library]);
            void *const opened = open_library(path, reason, sizeof reason);
            if (opened == NULL) {
                /* A part that stayed would be taken for its counterpart in another libtorch. */
                if (first != NULL) {
                    dlclose(first);
                }
                return fails(COOPSEG_LIBTORCH_UNAVAILABLE, "libtorch in %s cannot be loaded: %s", given, reason);
            }
            first = opened;
        }
        return COOPSEG_OK;
    }
    return fails(missing, "%s is %s, where neither lib/libtorch_cpu.so nor libtorch_cpu.so is", name, given);
}

static coopseg_status core_failed(const char *reason, int has_libtorch)
{
    char folder[PATH_MAX];
    if (!own_folder(folder)) {
        strcpy(folder, ".");
    }
    if (strstr(reason, "undefined symbol") != NULL) {
        return fails(COOPSEG_LIBTORCH_MISMATCH,
                     "the libtorch of this process is not %s, which coopseg needs (%s); name a fitting one with the "
                     "environment variable COOPSEG_LIBTORCH or coopseg_load_libtorch() before anything loads another",
                     COOPSEG_LIBTORCH_VERSION, reason);
    }
    if (!has_libtorch && (strstr(reason, "libtorch") != NULL || strstr(reason, "libc10") != NULL)) {
        return fails(COOPSEG_LIBTORCH_UNAVAILABLE,
                     "libtorch %s cannot be loaded (%s); name its folder with the environment variable COOPSEG_LIBTORCH or "
                     "coopseg_load_libtorch(), or make %s/coopseg a link to its lib folder",
                     COOPSEG_LIBTORCH_VERSION, reason, folder);
    }
    return fails(COOPSEG_LIBTORCH_UNAVAILABLE,
                 "the main part of coopseg cannot be loaded: %s; %s and libcoopseg.so belong in one folder (%s)", reason,
                 COOPSEG_CORE, folder);
}

static void *open_core(char *reason, size_t capacity)
{
    char path[PATH_MAX + sizeof "/" COOPSEG_CORE];
    /* This library's search path leads to its own folder first. */
    void *core = dlopen(COOPSEG_CORE, RTLD_NOW | RTLD_LOCAL);
    if (core == NULL) {
        snprintf(reason, capacity, "%s", last_dlerror());
        /* This library may have been reached by a link in another folder. */
        if (strncmp(reason, COOPSEG_CORE ":", sizeof COOPSEG_CORE) == 0 && own_folder(path)) {
            strcat(path, "/" COOPSEG_CORE);
            if (access(path, F_OK) == 0 && (core = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL) {
                snprintf(reason, capacity, "%s", last_dlerror());
            }
        }
    }
    return core;
}

/** An address that dlsym gives, stored as that of a function: C has no cast for it. */
static int find(void *core, const char *name, void *function)
{
    void *const address = dlsym(core, name);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static coopseg_status open_all(const char *folder)
{
    char reason[1024];
    const char *lacking;
    void *core;
    /* A process has one libtorch: what is loaded already is taken, whoever loaded it, and the core checks it. */
    int has_libtorch = dlopen("libtorch_cpu.so", RTLD_NOLOAD | RTLD_NOW) != NULL;
    if (!has_libtorch) {
        const char *const wish = secure_getenv("COOPSEG_LIBTORCH");
        coopseg_status status = COOPSEG_OK;
        if (folder != NULL) {
            status = open_libtorch("`folder`", folder, COOPSEG_FILE_NOT_FOUND);
        } else if (wish != NULL && *wish != '\0') {
            status = open_libtorch("COOPSEG_LIBTORCH", wish, COOPSEG_LIBTORCH_UNAVAILABLE);
        }
        if (status != COOPSEG_OK) {
            return status;
        }
        has_libtorch = folder != NULL || (wish != NULL && *wish != '\0');
    }
    core = open_core(reason, sizeof reason);
    if (core == NULL) {
        return core_failed(reason, has_libtorch);
    }
    lacking = forward_bind(core);
    if (lacking == NULL && !find(core, "coopseg_last_error", &core_last_error)) {
        lacking = "coopseg_last_error";
    }
    if (lacking == NULL && !find(core, "coopseg_live_handles", &core_live_handles)) {
        lacking = "coopseg_live_handles";
    }
    if (lacking == NULL && !find(core, "coopseg_load_libtorch", &core_load_libtorch)) {
        lacking = "coopseg_load_libtorch";
    }
    if (lacking != NULL) {
        snprintf(reason, sizeof reason, "it has no %s", lacking);
        return core_failed(reason, 1);
    }
    __atomic_store_n(&is_open, 1, __ATOMIC_RELEASE);
    return COOPSEG_OK;
}

static coopseg_status open_once(const char *folder)
{
    coopseg_status status = COOPSEG_OK;
    pthread_mutex_lock(&opening);
    if (!loader_is_open()) {
        status = open_all(folder);
    }
    pthread_mutex_unlock(&opening);
    return status;
}

coopseg_status loader_open(void)
{
    return loader_is_open() ? COOPSEG_OK : open_once(NULL);
}

LOADER_PUBLIC const char *coopseg_version(void)
{
    return VERSION;
}

LOADER_PUBLIC uint32_t coopseg_abi_version(void)
{
    return COOPSEG_ABI_VERSION;
}

LOADER_PUBLIC size_t coopseg_live_handles(void)
{
    return loader_is_open() ? core_live_handles() : 0;
}

LOADER_PUBLIC coopseg_status coopseg_load_libtorch(const char *folder)
{
    if (folder != NULL && *folder == '\0') {
        return fails(COOPSEG_INVALID_ARGUMENT, "`folder` is an empty path");
    }
    const coopseg_status status = open_once(folder);
    return status != COOPSEG_OK ? status : core_load_libtorch(folder);
}

LOADER_PUBLIC coopseg_status coopseg_last_error(char *buffer, size_t capacity, size_t *out_length)
{
    const size_t length = strlen(message);
    size_t of_core = 0;
    if (loader_is_open()) {
        core_last_error(NULL, 0, &of_core);
        /* A thread's failures to open the core are older than everything that the core has told it. */
        if (length == 0 || of_core > 0) {
            return core_last_error(buffer, capacity, out_length);
        }
    }
    if (buffer == NULL && capacity > 0) {
        return COOPSEG_NULL_ARGUMENT;
    }
    if (capacity > 0) {
        const size_t kept = whole_characters(message, length, capacity - 1);
        memcpy(buffer, message, kept);
        buffer[kept] = '\0';
    }
    if (out_length != NULL) {
        *out_length = length;
    }
    return COOPSEG_OK;
}
