// Segments an image from Java, with JNA and nothing but what coopseg.h says: reads a NIfTI file into memory, segments
// it with a progress line, prints the volume of every class, and writes the labels.
//
//     java -cp jna.jar -Djna.library.path=PREFIX/lib Segment.java MODEL IMAGE LABELS
//
// MODEL is a model file, IMAGE a NIfTI file, LABELS the NIfTI file to write, PREFIX where coopseg is installed. For
// 64-bit machines: size_t is a long. Exit code: 0 when everything worked; 1 when something failed.

import com.sun.jna.Callback;
import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;
import com.sun.jna.ptr.PointerByReference;
import java.nio.charset.StandardCharsets;
import java.util.Map;

public final class Segment {
    /** coopseg_image. */
    @FieldOrder({"struct_size", "dtype", "ndim", "shape", "strides", "spacing", "origin", "direction", "data",
                 "data_size"})
    public static class Image extends Structure {
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
    }

    /** coopseg_buffer. */
    @FieldOrder({"struct_size", "dtype", "ndim", "shape", "strides", "data", "data_size"})
    public static class Buffer extends Structure {
        public long struct_size;
        public int dtype;
        public int ndim;
        public long[] shape = new long[4];
        public long[] strides = new long[4];
        public Pointer data;
        public long data_size;

        public Buffer() {
            struct_size = size();
        }
    }

    /** coopseg_segmentation. */
    @FieldOrder({"struct_size", "labels", "fast_labels", "probabilities", "entropy", "disagreement"})
    public static class Maps extends Structure {
        public long struct_size = size();
        public Pointer labels;
        public Pointer fast_labels;
        public Pointer probabilities;
        public Pointer entropy;
        public Pointer disagreement;
    }

    /** coopseg_segmentation_callback. No exception may leave it; JNA sees to that. */
    public interface Progress extends Callback {
        int hear(long done, long slices, Pointer userData);
    }

    /** The functions of coopseg.h that are used here. */
    public interface Coopseg extends Library {
        int U8 = 1;
        int ABI_VERSION = 1;

        int coopseg_abi_version();
        int coopseg_last_error(byte[] buffer, long capacity, Pointer outLength);
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
    }

    private static final Coopseg COOPSEG =
            Native.load("coopseg", Coopseg.class, Map.of(Library.OPTION_STRING_ENCODING, "UTF-8"));

    /** Throws the message of a call that failed; to be called on the same thread. */
    private static void check(int status) {
        if (status != 0) {
            byte[] message = new byte[4096];
            COOPSEG.coopseg_last_error(message, message.length, null);
            throw new IllegalStateException(Native.toString(message, StandardCharsets.UTF_8));
        }
    }

    private static void segment(Pointer segmenter, Pointer volume, String labelsFile) {
        Image image = new Image();
        check(COOPSEG.coopseg_volume_image(volume, image));
        long voxels = image.shape[0] * image.shape[1] * image.shape[2];
        Memory labels = new Memory(voxels);

        Buffer buffer = new Buffer();
        buffer.dtype = Coopseg.U8;
        buffer.ndim = image.ndim;
        System.arraycopy(image.shape, 0, buffer.shape, 0, 3);
        buffer.data = labels;
        buffer.data_size = voxels;
        buffer.write();
        Maps maps = new Maps();
        maps.labels = buffer.getPointer();
        Progress progress = (done, slices, userData) -> {
            System.err.printf("\r%d of %d slices", done, slices);
            return 0;
        };
        check(COOPSEG.coopseg_segmenter_run(segmenter, image, maps, progress, null, null));
        System.err.println();

        long[] counts = new long[256];
        for (long voxel = 0; voxel < voxels; voxel++) {
            counts[labels.getByte(voxel) & 0xff]++;
        }
        double millilitres = image.spacing[0] * image.spacing[1] * image.spacing[2] / 1000;
        for (int label = 0; label < counts.length; label++) {
            if (counts[label] > 0) {
                System.out.printf("class %d: %.1f ml%n", label, counts[label] * millilitres);
            }
        }
        // The labels lie where the image lies.
        image.dtype = Coopseg.U8;
        image.data = labels;
        image.data_size = voxels;
        check(COOPSEG.coopseg_image_write(image, labelsFile));
    }

    public static void main(String[] arguments) {
        if (arguments.length != 3) {
            System.err.println("usage: Segment MODEL IMAGE LABELS");
            System.exit(1);
        }
        PointerByReference model = new PointerByReference();
        PointerByReference segmenter = new PointerByReference();
        PointerByReference volume = new PointerByReference();
        int code = 0;
        try {
            if (COOPSEG.coopseg_abi_version() != Coopseg.ABI_VERSION) {
                throw new IllegalStateException("libcoopseg.so has another ABI version than this program");
            }
            check(COOPSEG.coopseg_model_load(arguments[0], model));
            check(COOPSEG.coopseg_segmenter_new(model.getValue(), null, segmenter));
            check(COOPSEG.coopseg_volume_read(arguments[1], volume));
            segment(segmenter.getValue(), volume.getValue(), arguments[2]);
        } catch (IllegalStateException problem) {
            System.err.println("Segment: " + problem.getMessage());
            code = 1;
        } finally {
            // NULL, where nothing was made, does nothing.
            COOPSEG.coopseg_volume_free(volume.getValue());
            COOPSEG.coopseg_segmenter_free(segmenter.getValue());
            COOPSEG.coopseg_model_free(model.getValue());
        }
        System.exit(code);
    }
}
