using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using RobustTrain.Data;
using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;
using RobustTrain.Data.Ordering;

namespace RobustTrain.Tests.Data;

public sealed class AugmentationTests
{
    [Property]
    public Property The_walk_through_a_window_meets_the_pixels_that_the_window_names() => Prop.ForAll(
        Gen.Choose(0, 3).ToArbitrary(),
        Gen.Elements(true, false).ToArbitrary(),
        Gen.Elements(true, false).ToArbitrary(),
        (turns, horizontal, vertical) =>
        {
            PixelWindow window = new(2, 3, 5, 4, turns, horizontal, vertical);
            (int start, int column, int row) = window.WalkOf(20);
            for (int y = 0; y < window.OutputHeight; y++)
            {
                for (int x = 0; x < window.OutputWidth; x++)
                {
                    (int sourceX, int sourceY) = window.SourceOf(x, y);
                    Assert.Equal((sourceY * 20) + sourceX, start + (y * row) + (x * column));
                }
            }
        });

    [Fact]
    public void A_quarter_turn_is_counter_clockwise()
    {
        // As numpy.rot90: the last column becomes the first row.
        PixelWindow window = new(0, 0, 3, 2, QuarterTurns: 1);
        Assert.Equal((2, 3), (window.OutputWidth, window.OutputHeight));
        Assert.Equal((2, 0), window.SourceOf(0, 0));
        Assert.Equal((2, 1), window.SourceOf(1, 0));
        Assert.Equal((0, 0), window.SourceOf(0, 2));
    }

    [Fact]
    public void Samples_that_are_not_square_turn_by_halves()
    {
        for (int epoch = 0; epoch < 50; epoch++)
        {
            SampleRandom random = new(new SampleKey(0, epoch, 0));
            Assert.Equal(0, new PixelWindow(0, 0, 4, 3).Vary(new AugmentationOptions { Rotate = true }, ref random).QuarterTurns & 1);
        }
    }

    [Property(MaxTest = 400)]
    public unsafe Property Vector_and_scalar_paths_give_the_same_bits() => Prop.ForAll(
        Gen.Choose(1, 70).ToArbitrary(),
        Gen.Choose(0, 7).ToArbitrary(),
        Gen.Elements(0, 1).ToArbitrary(),
        (pixels, variant, misalignment) =>
        {
            const int height = 3;
            // Every other width fills whole vectors.
            int width = (variant & 1) == 0 ? pixels : (pixels + 15) / 16 * 16;
            bool flip = (variant & 2) != 0;
            PixelWindow window = new(1, 1, width, height, (variant & 4) >> 1, flip);
            ImageBuffer image = new();
            image.SetSize(width + 1, height + 1, 3);
            for (int place = 0; place < image.Pixels.Length; place++)
                image.Pixels[place] = (byte)(place * 37);
            Normalization normalization = new([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
            float[] scale = [.. Enumerable.Range(0, 3).Select(channel => 1f / 255 * normalization.Scale(channel))];
            float[] offset = [.. Enumerable.Range(0, 3).Select(normalization.Offset)];
            float[] expected = new float[3 * width * height];
            for (int place = 0; place < expected.Length; place++)
            {
                (int channel, int pixel) = Math.DivRem(place, width * height);
                (int x, int y) = window.SourceOf(pixel % width, pixel / width);
                expected[place] = (image.Row(y)[(x * 3) + channel] * scale[channel]) + offset[channel];
            }

            float* memory = (float*)NativeMemory.AlignedAlloc((nuint)(expected.Length + 1) * sizeof(float), 64);
            try
            {
                Span<float> target = new(memory + misalignment, expected.Length);
                SampleRandom random = new(new SampleKey(0, 0, 0));
                new SampleWriter(normalization, AugmentationOptions.None).WriteImage(image, window, ref random, target);
                Assert.Equal(expected, target.ToArray());
            }
            finally
            {
                NativeMemory.AlignedFree(memory);
            }
        });

    // Worked out by hand from torchvision's definitions, on the pixel (0.2, 0.6, 0.4) beside (0.9, 0.1, 0.3).
    [Fact]
    public void Brightness_contrast_and_saturation_are_torchvisions()
    {
        float[] image = [0.2f, 0.9f, 0.6f, 0.1f, 0.4f, 0.3f];
        float[] brightness = [.. image];
        ColorJitter.AdjustBrightness(brightness, 1.5f);
        AssertClose([0.3f, 1f, 0.9f, 0.15f, 0.6f, 0.45f], brightness);

        // Grey: 0.2989 * 0.2 + 0.587 * 0.6 + 0.114 * 0.4 = 0.45758 and 0.2989 * 0.9 + 0.587 * 0.1 + 0.114 * 0.3 = 0.36191; mean 0.409745.
        float[] contrast = [.. image];
        ColorJitter.AdjustContrast(contrast, 3, 0.5f);
        AssertClose([0.3048725f, 0.6548725f, 0.5048725f, 0.2548725f, 0.4048725f, 0.3548725f], contrast);

        float[] saturation = [.. image];
        ColorJitter.AdjustSaturation(saturation, 0.5f);
        AssertClose([0.32879f, 0.630955f, 0.52879f, 0.230955f, 0.42879f, 0.330955f], saturation);
    }

    [Fact]
    public void A_third_of_the_colour_circle_turns_red_into_green_into_blue()
    {
        float[] image = [1f, 0f, 0f, 0.5f, 0f, 1f, 0f, 0.5f, 0f, 0f, 1f, 0.5f];
        ColorJitter.AdjustHue(image, 1f / 3);
        AssertClose([0f, 0f, 1f, 0.5f, 1f, 0f, 0f, 0.5f, 0f, 1f, 0f, 0.5f], image);
    }

    [Property(MaxTest = 200)]
    public Property Turning_the_hue_there_and_back_is_the_identity(NonNegativeInt seed) => Prop.ForAll(
        Gen.Choose(-50, 50).ToArbitrary(),
        percent =>
        {
            SampleRandom random = new(new SampleKey(seed.Get, 0, 0));
            float[] image = new float[30];
            for (int place = 0; place < image.Length; place++)
                image[place] = (float)random.NextDouble();
            float[] turned = [.. image];
            ColorJitter.AdjustHue(turned, percent / 100f);
            ColorJitter.AdjustHue(turned, -percent / 100f);
            AssertClose(image, turned);
        });

    [Fact]
    public void Colours_change_with_the_probability_that_is_given()
    {
        int changed = 0;
        for (int sample = 0; sample < 400; sample++)
        {
            float[] planes = [0.2f, 0.4f, 0.6f];
            SampleRandom random = new(new SampleKey(5, 0, sample), 1);
            ColorJitter.Apply(planes, 3, new AugmentationOptions { Brightness = 0.5, ColorProbability = 0.25 }, ref random);
            if (!planes.SequenceEqual([0.2f, 0.4f, 0.6f]))
                changed++;
        }

        Assert.InRange(changed, 70, 130);
    }

    [Fact]
    public void Jitter_differs_between_the_images_of_a_sample_and_stays_in_range()
    {
        AugmentationOptions options = new() { Brightness = 0.4, Contrast = 0.4, Saturation = 0.4, Hue = 0.1 };
        SampleRandom random = new(new SampleKey(0, 0, 0));
        float[] first = new float[48];
        Array.Fill(first, 0.5f);
        first[0] = 0.9f;
        float[] second = [.. first];
        ColorJitter.Apply(first, 3, options, ref random);
        ColorJitter.Apply(second, 3, options, ref random);
        Assert.NotEqual(first, second);
        Assert.All(first.Concat(second), value => Assert.InRange(value, 0f, 1f));
    }

    [Fact]
    public void Grey_has_no_hue_and_no_saturation()
    {
        SampleRandom random = new(new SampleKey(0, 0, 0));
        float[] grey = [0.1f, 0.5f, 0.9f];
        ColorJitter.Apply(grey, 1, new AugmentationOptions { Saturation = 0.9, Hue = 0.5 }, ref random);
        Assert.Equal([0.1f, 0.5f, 0.9f], grey);
    }

    [Fact]
    public void A_normalisation_needs_as_many_means_as_deviations_above_0()
    {
        Assert.Throws<ArgumentException>(() => new Normalization([0, 0, 0], [1, 1]));
        Assert.Throws<ArgumentException>(() => new Normalization([0, 0], [1, 1]));
        Assert.Throws<ArgumentException>(() => new Normalization([0], [0]));
    }

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int place = 0; place < expected.Length; place++)
            Assert.Equal(expected[place], actual[place], 1e-5f);
    }
}
