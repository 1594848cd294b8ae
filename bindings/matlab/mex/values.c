#include "values.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Longer messages are cut. */
enum { MESSAGE_BYTES = 4096 };

void raise_error(coopseg_status status, const char *message)
{
    const char *name = coopseg_status_name(status);
    const char *prefix = "COOPSEG_";
    char identifier[80] = "coopseg:";
    size_t length = strlen(identifier);

    if (strncmp(name, prefix, strlen(prefix)) == 0)
        name += strlen(prefix);
    for (; *name && length + 1 < sizeof identifier; name++)
        identifier[length++] = *name == ' ' ? '_' : (char)tolower((unsigned char)*name);
    identifier[length] = '\0';
    mexErrMsgIdAndTxt(identifier, "%s", message);
}

void refuse(coopseg_status status, const char *format, ...)
{
    static char message[MESSAGE_BYTES];
    va_list values;

    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    raise_error(status, message);
}

void check(coopseg_status status)
{
    static char message[MESSAGE_BYTES];

    if (status == COOPSEG_OK)
        return;
    coopseg_last_error(message, sizeof message, NULL);
    raise_error(status, message);
}

uint64_t number_of(const mxArray *array)
{
    if (mxGetClassID(array) != mxUINT64_CLASS || mxGetNumberOfElements(array) != 1)
        refuse(COOPSEG_INVALID_ARGUMENT, "expected a uint64 number");
    return *(const uint64_t *)mxGetData(array);
}

double double_of(const mxArray *array)
{
    if (!mxIsNumeric(array) || mxGetNumberOfElements(array) != 1)
        refuse(COOPSEG_INVALID_ARGUMENT, "expected one number, not an array of class %s with %.0f elements",
               mxGetClassName(array), (double)mxGetNumberOfElements(array));
    return mxGetScalar(array);
}

int32_t int_of(const mxArray *array)
{
    double value = double_of(array);

    if (!(value >= INT32_MIN && value <= INT32_MAX) || value != (double)(int32_t)value)
        refuse(COOPSEG_INVALID_ARGUMENT, "expected a whole number, not %.17g", value);
    return (int32_t)value;
}

const double *doubles_of(const mxArray *array, size_t count)
{
    if (!mxIsDouble(array) || mxIsComplex(array) || mxGetNumberOfElements(array) != count)
        refuse(COOPSEG_INVALID_ARGUMENT, "expected %zu doubles", count);
    return mxGetData(array);
}

char *text_of(const mxArray *array)
{
    size_t length = mxGetNumberOfElements(array);
    char *text;

    if (mxGetClassID(array) != mxUINT8_CLASS)
        refuse(COOPSEG_INVALID_ARGUMENT, "expected a text as uint8 bytes");
    text = mxMalloc(length + 1);
    if (length)
        memcpy(text, mxGetData(array), length);
    text[length] = '\0';
    if (strlen(text) != length)
        refuse(COOPSEG_INVALID_ARGUMENT, "the text \"%s\" goes on after a zero character", text);
    return text;
}

static int32_t dtype_of(const mxArray *array)
{
    if (!mxIsSparse(array) && !mxIsComplex(array)) {
        switch (mxGetClassID(array)) {
        case mxLOGICAL_CLASS:
        case mxUINT8_CLASS:
            return COOPSEG_U8;
        case mxINT8_CLASS:
            return COOPSEG_I8;
        case mxUINT16_CLASS:
            return COOPSEG_U16;
        case mxINT16_CLASS:
            return COOPSEG_I16;
        case mxUINT32_CLASS:
            return COOPSEG_U32;
        case mxINT32_CLASS:
            return COOPSEG_I32;
        case mxUINT64_CLASS:
            return COOPSEG_U64;
        case mxINT64_CLASS:
            return COOPSEG_I64;
        case mxSINGLE_CLASS:
            return COOPSEG_F32;
        case mxDOUBLE_CLASS:
            return COOPSEG_F64;
        default:
            break;
        }
    }
    refuse(COOPSEG_INVALID_ARGUMENT, "an image is of class %s%s; expected a full, real, numeric or logical array",
           mxGetClassName(array), mxIsSparse(array) ? " (sparse)" : mxIsComplex(array) ? " (complex)" : "");
    return 0;
}

size_t describe(const mxArray *array, const mxArray *grid, coopseg_image *out_image)
{
    const double *values = doubles_of(grid, GRID_VALUES);
    size_t axes = (size_t)mxGetNumberOfDimensions(array);
    size_t voxels = 1;
    coopseg_image image;

    if (axes > 4)
        refuse(COOPSEG_INVALID_SHAPE, "an image has %zu axes; expected x, y, z and, for several channels, a fourth",
               axes);
    memset(&image, 0, sizeof image);
    image.struct_size = sizeof image;
    image.dtype = dtype_of(array);
    image.ndim = 3;
    for (size_t axis = 0; axis < 3; axis++) {
        image.shape[axis] = axis < axes ? (int64_t)mxGetDimensions(array)[axis] : 1;
        image.spacing[axis] = values[axis];
        image.origin[axis] = values[3 + axis];
        voxels *= (size_t)image.shape[axis];
    }
    memcpy(image.direction, values + 6, sizeof image.direction);
    image.data = mxGetData(array);
    image.data_size = voxels * mxGetElementSize(array);
    *out_image = image;
    return axes > 3 ? (size_t)mxGetDimensions(array)[3] : 1;
}

coopseg_image image_of(const mxArray *array, const mxArray *grid)
{
    coopseg_image image;

    if (describe(array, grid, &image) != 1)
        refuse(COOPSEG_INVALID_SHAPE, "an image has 4 axes; expected x, y and z");
    return image;
}

mxArray *number(uint64_t value)
{
    mxArray *array = mxCreateNumericMatrix(1, 1, mxUINT64_CLASS, mxREAL);

    set_number(array, value);
    return array;
}

void set_number(mxArray *number, uint64_t value)
{
    *(uint64_t *)mxGetData(number) = value;
}

mxArray *text(const char *value)
{
    size_t length = strlen(value);
    mxArray *array = mxCreateNumericMatrix(1, length, mxUINT8_CLASS, mxREAL);

    if (length)
        memcpy(mxGetData(array), value, length);
    return array;
}

mxArray *array_of(int axes, const int64_t *shape, mxClassID class, const void *data, size_t bytes)
{
    mwSize sizes[4];
    mxArray *array;

    for (int axis = 0; axis < axes; axis++)
        sizes[axis] = (mwSize)shape[axis];
    array = mxCreateNumericArray((mwSize)axes, sizes, class, mxREAL);
    memcpy(mxGetData(array), data, bytes);
    return array;
}

mxArray *grid_of(const coopseg_image *image)
{
    mxArray *array = mxCreateDoubleMatrix(1, GRID_VALUES, mxREAL);
    double *values = mxGetData(array);

    memcpy(values, image->spacing, sizeof image->spacing);
    memcpy(values + 3, image->origin, sizeof image->origin);
    memcpy(values + 6, image->direction, sizeof image->direction);
    return array;
}
