using System.Text.Json;
using RobustTrain.Runs.Events;

namespace RobustTrain.Dashboard.Journals;

/// <summary>Reads the event that a journal has most of, a hundred thousand times more often than any other, without making objects of its text.</summary>
internal static class StepLine
{
    private static ReadOnlySpan<byte> Prefix => "{\"event\":\"step\","u8;

    /// <summary>The step in a line; null where it is no line as a run writes it, which <see cref="EventLine"/> then reads.</summary>
    public static StepFinished? Read(ReadOnlySpan<byte> line)
    {
        if (!line.StartsWith(Prefix))
            return null;
        int epoch = 0, step = 0;
        long globalStep = -1;
        double loss = double.NaN, rate = double.NaN, speed = double.NaN, wait = double.NaN;
        DateTimeOffset time = default;
        try
        {
            Utf8JsonReader reader = new(line);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (Is(ref reader, "epoch"u8))
                    epoch = reader.GetInt32();
                else if (Is(ref reader, "step"u8))
                    step = reader.GetInt32();
                else if (Is(ref reader, "global_step"u8))
                    globalStep = reader.GetInt64();
                else if (Is(ref reader, "loss"u8))
                    loss = Number(ref reader);
                else if (Is(ref reader, "learning_rate"u8))
                    rate = Number(ref reader);
                else if (Is(ref reader, "samples_per_second"u8))
                    speed = Number(ref reader);
                else if (Is(ref reader, "data_wait_share"u8))
                    wait = Number(ref reader);
                else if (Is(ref reader, "time"u8))
                    time = reader.GetDateTimeOffset();
                else
                    Pass(ref reader);
            }
        }
        catch (Exception other) when (other is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }

        return globalStep < 0 ? null : new StepFinished(epoch, step, globalStep, loss, rate, speed, wait) { Time = time };
    }

    private static bool Is(ref Utf8JsonReader reader, ReadOnlySpan<byte> name) =>
        reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals(name) && reader.Read();

    private static void Pass(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    // JSON has no number for NaN and infinity; a run writes them as texts.
    private static double Number(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.Number => reader.GetDouble(),
        JsonTokenType.String when reader.ValueTextEquals("Infinity"u8) => double.PositiveInfinity,
        JsonTokenType.String when reader.ValueTextEquals("-Infinity"u8) => double.NegativeInfinity,
        _ => double.NaN,
    };
}
