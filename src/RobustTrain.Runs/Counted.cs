namespace RobustTrain.Runs;

/// <summary>Numbers of things, in sentences.</summary>
public static class Counted
{
    /// <summary>A number and its noun: 1 epoch, 2 epochs.</summary>
    public static string Of(long number, string noun) => FormattableString.Invariant($"{number} {noun}{(number == 1 ? "" : "s")}");
}
