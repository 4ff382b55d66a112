using RobustTrain.Data.Augmentation;
using RobustTrain.Data.Imaging;

namespace RobustTrain.Data.Datasets;

/// <summary>The parts of data sets' descriptions that several have, as bytes.</summary>
internal static class DescriptionFormat
{
    public static void Write(this BinaryWriter writer, IReadOnlyList<string> texts)
    {
        writer.Write(texts.Count);
        for (int place = 0; place < texts.Count; place++)
            writer.Write(texts[place]);
    }

    public static string[] ReadStrings(this BinaryReader reader)
    {
        string[] texts = new string[reader.ReadInt32()];
        for (int place = 0; place < texts.Length; place++)
            texts[place] = reader.ReadString();
        return texts;
    }

    public static void Write(this BinaryWriter writer, IReadOnlyList<double> numbers)
    {
        writer.Write(numbers.Count);
        for (int place = 0; place < numbers.Count; place++)
            writer.Write(numbers[place]);
    }

    public static double[] ReadDoubles(this BinaryReader reader)
    {
        double[] numbers = new double[reader.ReadInt32()];
        for (int place = 0; place < numbers.Length; place++)
            numbers[place] = reader.ReadDouble();
        return numbers;
    }

    public static void Write(this BinaryWriter writer, IReadOnlyList<ChangePair> pairs)
    {
        writer.Write(pairs.Count);
        foreach (ChangePair pair in pairs)
        {
            writer.Write(pair.Name);
            writer.Write(pair.Image1);
            writer.Write(pair.Image2);
            writer.Write(pair.Label);
        }
    }

    public static ChangePair[] ReadPairs(this BinaryReader reader)
    {
        ChangePair[] pairs = new ChangePair[reader.ReadInt32()];
        for (int place = 0; place < pairs.Length; place++)
            pairs[place] = new ChangePair(reader.ReadString(), reader.ReadString(), reader.ReadString(), reader.ReadString());
        return pairs;
    }

    public static void WriteOptional(this BinaryWriter writer, string? text)
    {
        writer.Write(text is not null);
        if (text is not null)
            writer.Write(text);
    }

    public static string? ReadOptionalString(this BinaryReader reader) => reader.ReadBoolean() ? reader.ReadString() : null;

    public static void WriteOptional(this BinaryWriter writer, int? number)
    {
        writer.Write(number.HasValue);
        writer.Write(number.GetValueOrDefault());
    }

    public static int? ReadOptionalInt32(this BinaryReader reader)
    {
        bool hasValue = reader.ReadBoolean();
        int number = reader.ReadInt32();
        return hasValue ? number : null;
    }

    public static void Write(this BinaryWriter writer, AugmentationOptions options)
    {
        writer.WriteOptional(options.Resize?.Width);
        writer.WriteOptional(options.Resize?.Height);
        writer.Write(options.Rotate);
        writer.Write(options.HorizontalFlip);
        writer.Write(options.VerticalFlip);
        writer.Write(options.ColorProbability);
        writer.Write(options.Brightness);
        writer.Write(options.Contrast);
        writer.Write(options.Saturation);
        writer.Write(options.Hue);
    }

    public static AugmentationOptions ReadAugmentation(this BinaryReader reader)
    {
        int? width = reader.ReadOptionalInt32();
        int? height = reader.ReadOptionalInt32();
        return new AugmentationOptions
        {
            Resize = width is null || height is null ? null : new ImageSize(width.Value, height.Value),
            Rotate = reader.ReadBoolean(),
            HorizontalFlip = reader.ReadDouble(),
            VerticalFlip = reader.ReadDouble(),
            ColorProbability = reader.ReadDouble(),
            Brightness = reader.ReadDouble(),
            Contrast = reader.ReadDouble(),
            Saturation = reader.ReadDouble(),
            Hue = reader.ReadDouble(),
        };
    }
}
