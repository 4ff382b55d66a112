namespace RobustTrain.Platform;

/// <summary>Finds what somebody who mistyped a name may have meant.</summary>
public static class NearestName
{
    /// <summary>The candidate with the fewest edits, or null where all are too far to be meant. One that begins with the name is near.</summary>
    public static string? Of(string name, IEnumerable<string> candidates)
    {
        int limit = Math.Max(1, name.Length / 3);
        return candidates
            .Select(candidate => (Name: candidate, Edits: EditsTo(candidate)))
            .Where(candidate => candidate.Edits <= limit)
            .OrderBy(candidate => candidate.Edits)
            .Select(candidate => candidate.Name)
            .FirstOrDefault();

        int EditsTo(string candidate) => name.Length > 2 && candidate.StartsWith(name, StringComparison.OrdinalIgnoreCase)
            ? 1
            : Edits(name.ToLowerInvariant(), candidate.ToLowerInvariant());
    }

    /// <summary>A hint to append to an error, with a leading space; empty where nothing is near.</summary>
    public static string Hint(string name, IEnumerable<string> candidates) => Of(name, candidates) is { } nearest ? $" Did you mean {nearest}?" : "";

    /// <summary>Insertions, deletions, substitutions and swaps of neighbours between two words (optimal string alignment).</summary>
    internal static int Edits(string left, string right)
    {
        int[,] edits = new int[left.Length + 1, right.Length + 1];
        for (int row = 0; row <= left.Length; row++)
        {
            for (int column = 0; column <= right.Length; column++)
            {
                if (row == 0 || column == 0)
                {
                    edits[row, column] = row + column;
                    continue;
                }

                int substitution = left[row - 1] == right[column - 1] ? 0 : 1;
                int fewest = Math.Min(
                    Math.Min(edits[row - 1, column], edits[row, column - 1]) + 1,
                    edits[row - 1, column - 1] + substitution);
                if (row > 1 && column > 1 && left[row - 1] == right[column - 2] && left[row - 2] == right[column - 1])
                    fewest = Math.Min(fewest, edits[row - 2, column - 2] + 1);
                edits[row, column] = fewest;
            }
        }

        return edits[left.Length, right.Length];
    }
}
