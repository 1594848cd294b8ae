// What the examples use of coopseg.h, for JNA and 64-bit machines: size_t is a long.

import com.sun.jna.Callback;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;
import com.sun.jna.ptr.PointerByReference;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** The functions of coopseg.h. All but coopseg_abi_version return a status, for `check`. */
public interface Coopseg extends Library {
    int U8 = 1;
    int F32 = 9;
    int ABI_VERSION = 1;

    /** libcoopseg.so, which is looked for in jna.library.path. */
    Coopseg INSTANCE = Native.load("coopseg", Coopseg.class, Map.of(Library.OPTION_STRING_ENCODING, "UTF-8"));

    int coopseg_abi_version();
    int coopseg_last_error(byte[] buffer, long capacity, Pointer outLength);
    int coopseg_string_free(Pointer string);
    int coopseg_model_load(String file, PointerByReference outModel);
    int coopseg_model_free(Pointer model);
    int coopseg_segmenter_new(Pointer model, String options, PointerByReference outSegmenter);
    int coopseg_segmenter_run(Pointer segmenter, Image image, Maps outputs, Progress callback, Pointer userData,
                              PointerByReference outReport);
    int coopseg_segmenter_free(Pointer segmenter);
    int coopseg_volume_read(String file, PointerByReference outVolume);
    int coopseg_volume_image(Pointer volume, Image outImage);
    int coopseg_volume_free(Pointer volume);
    int coopseg_image_write(Image image, String file);
    int coopseg_artefact_simulate(Image image, String artefact, long seed, Buffer output,
                                  PointerByReference outParameters);

    /** coopseg_image. */
    @FieldOrder({"struct_size", "dtype", "ndim", "shape", "strides", "spacing", "origin", "direction", "data",
                 "data_size", "memory", "device_index"})
    class Image extends Structure {
        public long struct_size;
        public int dtype;
        public int ndim;
        public long[] shape = new long[3];
        public long[] strides = new long[3];
        public double[] spacing = new double[3];
        public double[] origin = new double[3];
        public double[] direction = new double[9];
        public Pointer data;
        public long data_size;
        public int memory;
        public int device_index;

        /** Number of voxels. */
        public long count() {
            return shape[0] * shape[1] * shape[2];
        }
    }

    /** coopseg_buffer. */
    @FieldOrder({"struct_size", "dtype", "ndim", "shape", "strides", "data", "data_size", "memory", "device_index"})
    class Buffer extends Structure {
        public long struct_size;
        public int dtype;
        public int ndim;
        public long[] shape = new long[4];
        public long[] strides = new long[4];
        public Pointer data;
        public long data_size;
        public int memory;
        public int device_index;

        public Buffer() {
            struct_size = size();
        }

        /** For a result of one value per voxel of an image. */
        public static Buffer of(Image image, int dtype, Pointer data, long dataSize) {
            Buffer buffer = new Buffer();
            buffer.dtype = dtype;
            buffer.ndim = image.ndim;
            System.arraycopy(image.shape, 0, buffer.shape, 0, 3);
            buffer.data = data;
            buffer.data_size = dataSize;
            return buffer;
        }
    }

    /** coopseg_segmentation. */
    @FieldOrder({"struct_size", "labels", "fast_labels", "probabilities", "entropy", "disagreement"})
    class Maps extends Structure {
        public long struct_size = size();
        public Pointer labels;
        public Pointer fast_labels;
        public Pointer probabilities;
        public Pointer entropy;
        public Pointer disagreement;
    }

    /** coopseg_segmentation_callback. No exception may leave it; JNA sees to that. */
    interface Progress extends Callback {
        int hear(long done, long slices, Pointer userData);
    }

    /** Throws the message of a call that failed; to be called on the same thread. */
    static void check(int status) {
        if (status != 0) {
            byte[] message = new byte[4096];
            INSTANCE.coopseg_last_error(message, message.length, null);
            throw new IllegalStateException(Native.toString(message, StandardCharsets.UTF_8));
        }
    }

    /** Refuses a library whose structs and functions may be others than these. */
    static void checkVersion() {
        if (INSTANCE.coopseg_abi_version() != ABI_VERSION) {
            throw new IllegalStateException("libcoopseg.so has another ABI version than this program");
        }
    }
}
