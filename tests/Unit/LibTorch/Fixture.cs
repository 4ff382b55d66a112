using System.Globalization;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace RobustTrain.Tests.LibTorch;

/// <summary>Values that Python's torch computed (fixtures/make_fixtures.py).</summary>
internal static class Fixture
{
    internal static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, "LibTorch", "fixtures", file);

    internal static JsonElement Read(string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(PathOf(name + ".json")));
        return document.RootElement.Clone();
    }

    internal static IEnumerable<string> Names(string name, params string[] but) =>
        Read(name).EnumerateObject().Select(property => property.Name).Where(key => !but.Contains(key));

    internal static Tensor Tensor(this JsonElement value)
    {
        long[] shape = [.. value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        double[] data = [.. value.GetProperty("data").EnumerateArray().Select(Number)];
        return torch.tensor(data, shape, TypeOf(value.GetProperty("type").GetString()!));
    }

    internal static Dictionary<string, Tensor> Tensors(this JsonElement value) =>
        value.EnumerateObject().ToDictionary(property => property.Name, property => property.Value.Tensor());

    /// <summary>Equal type and shape, and values within rounding: sums round by the size of their terms, so the tensor's largest value counts.</summary>
    internal static void Same(JsonElement expected, Tensor actual, string what, double relative = 2e-6, double absolute = 1e-6)
    {
        using Tensor wanted = expected.Tensor();
        Assert.True(wanted.dtype == actual.dtype, $"{what}: expected {wanted.dtype}, got {actual.dtype}");
        Assert.True(wanted.shape.SequenceEqual(actual.shape), $"{what}: expected {wanted}, got {actual}");
        double[] left = Values(wanted), right = Values(actual);
        double largest = left.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max();
        for (int i = 0; i < left.Length; i++)
        {
            bool equal = double.IsFinite(left[i])
                ? Math.Abs(left[i] - right[i]) <= absolute + relative * largest
                : left[i].Equals(right[i]);
            Assert.True(equal, string.Create(CultureInfo.InvariantCulture, $"{what}: element {i} is {right[i]:R}, expected {left[i]:R}"));
        }
    }

    private static double[] Values(Tensor tensor)
    {
        using Tensor wide = tensor.detach().to(ScalarType.Float64, disposeAfter: true);
        return wide.data<double>().ToArray();
    }

    private static double Number(JsonElement value) => value.ValueKind == JsonValueKind.String
        ? value.GetString() switch { "inf" => double.PositiveInfinity, "-inf" => double.NegativeInfinity, "nan" => double.NaN, var other => throw new InvalidDataException(other) }
        : value.GetDouble();

    private static ScalarType TypeOf(string name) => name switch
    {
        "float32" => ScalarType.Float32,
        "float64" => ScalarType.Float64,
        "int64" => ScalarType.Int64,
        "int32" => ScalarType.Int32,
        "uint8" => ScalarType.Byte,
        "bool" => ScalarType.Bool,
        _ => throw new InvalidDataException(name),
    };
}
