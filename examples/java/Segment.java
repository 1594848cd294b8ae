// Segments an image from Java, with JNA and nothing but what coopseg.h says: reads a NIfTI file into memory, segments
// it with a progress line, prints the volume of every class, and writes the labels.
//
//     javac -cp jna.jar -d classes Coopseg.java Segment.java
//     java -cp jna.jar:classes -Djna.library.path=PREFIX/lib Segment MODEL IMAGE LABELS
//
// MODEL is a model file, IMAGE a NIfTI file, LABELS the NIfTI file to write, PREFIX where coopseg is installed.
// Exit code: 0 when everything worked; 1 when something failed.

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;

public final class Segment {
    private static final Coopseg COOPSEG = Coopseg.INSTANCE;

    private static void segment(Pointer segmenter, Pointer volume, String labelsFile) {
        Coopseg.Image image = new Coopseg.Image();
        Coopseg.check(COOPSEG.coopseg_volume_image(volume, image));
        long voxels = image.count();
        Memory labels = new Memory(voxels);

        Coopseg.Buffer buffer = Coopseg.Buffer.of(image, Coopseg.U8, labels, voxels);
        buffer.write();
        Coopseg.Maps maps = new Coopseg.Maps();
        maps.labels = buffer.getPointer();
        Coopseg.Progress progress = (done, slices, userData) -> {
            System.err.printf("\r%d of %d slices", done, slices);
            return 0;
        };
        Coopseg.check(COOPSEG.coopseg_segmenter_run(segmenter, image, maps, progress, null, null));
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
        Coopseg.check(COOPSEG.coopseg_image_write(image, labelsFile));
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
            Coopseg.checkVersion();
            Coopseg.check(COOPSEG.coopseg_model_load(arguments[0], model));
            Coopseg.check(COOPSEG.coopseg_segmenter_new(model.getValue(), null, segmenter));
            Coopseg.check(COOPSEG.coopseg_volume_read(arguments[1], volume));
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
