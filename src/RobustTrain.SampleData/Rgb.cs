namespace RobustTrain.SampleData;

/// <summary>A colour, 0 to 255 a channel, beyond which it is cut off when it is written.</summary>
internal readonly record struct Rgb(float Red, float Green, float Blue)
{
    public static Rgb operator *(Rgb colour, float factor) => new(colour.Red * factor, colour.Green * factor, colour.Blue * factor);

    public static Rgb operator +(Rgb colour, float value) => new(colour.Red + value, colour.Green + value, colour.Blue + value);

    public static Rgb Mix(Rgb first, Rgb second, float share) => new(
        first.Red + ((second.Red - first.Red) * share),
        first.Green + ((second.Green - first.Green) * share),
        first.Blue + ((second.Blue - first.Blue) * share));
}
