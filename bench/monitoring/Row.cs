namespace RobustTrain.Bench.Monitoring;

/// <summary>A line of the table of figures.</summary>
internal static class Row
{
    public static void Write(string what, string target, FormattableString measured) =>
        Console.WriteLine($"| {what} | {target} | {FormattableString.Invariant(measured)} |");
}
